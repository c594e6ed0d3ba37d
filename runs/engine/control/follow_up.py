"""Following up a run that has ended."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from runs.agent.json_data.json_types import JsonObject
from runs.engine.control.ceilings import ceilings_after
from runs.engine.control.launch import create_run
from runs.engine.control.overrides import changed, launched_like, overrides_after
from runs.engine.control.run_versions import version_like
from runs.models import Run


class NotFinished(ValueError):
    """The run has not ended, so it cannot be continued."""


def continue_run(
    run_id: UUID, *, by: Any, message: str, overrides: JsonObject | None = None, files: Sequence[UUID] = ()
) -> Run:
    """A new run of `message`, launched by `by`; its model sees the conversation of the earlier run and its
    predecessors.

    It has the earlier run's configuration with `overrides` (as of `run_again`), totals of its own, and may read the
    files of the conversation as well as `files`.
    Raises `NotFinished`, `ValueError` for an empty message, `Run.DoesNotExist`, and what `run_again` raises.
    """
    if not message.strip():
        raise ValueError("A follow-up needs a message.")
    earlier = Run.objects.select_related("agent").get(pk=run_id)
    if not earlier.is_finished:
        raise NotFinished("The run has not ended yet. Wait for it, or stop it, and then follow it up.")
    config = changed(launched_like(earlier, by=by), overrides, by=by, ceilings=ceilings_after(earlier, by=by))
    given = overrides_after(earlier, overrides)
    columns = {"config": config, "overrides": given, "version": version_like(earlier, config, given)}
    place = {"continues": earlier, "thread": earlier.thread_id}
    return create_run(user=by, agent=earlier.agent, task=message, files=files, **columns, **place)
