"""Following up a run that has ended."""

from typing import Any
from uuid import UUID

from runs.engine.control.launching import create_run
from runs.engine.control.overrides import changed, with_rules_of_today
from runs.models import Run


class NotFinished(ValueError):
    """A run that still goes on cannot be followed up."""


def continue_run(run_id: UUID, *, by: Any, message: str, overrides: dict[str, Any] | None = None) -> Run:
    """A new run of `message`, launched by `by`, whose model sees the conversation of the earlier run and of those that
    one continues. It has the earlier run's configuration but for `overrides` (as of `run_again`), and totals of its
    own.

    Raises `NotFinished`, `ValueError` for an empty message, `Run.DoesNotExist`, and what `run_again` raises.
    """
    if not message.strip():
        raise ValueError("A follow-up needs a message.")
    earlier = Run.objects.select_related("agent").get(pk=run_id)
    if not earlier.is_finished:
        raise NotFinished("The run has not ended yet. Wait for it, or stop it, and then follow it up.")
    config = changed(with_rules_of_today(earlier), overrides, by=by)
    return create_run(user=by, agent=earlier.agent, task=message, config=config, continues=earlier)
