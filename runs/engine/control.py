"""The control room: everything a person, the API or a schedule may do to a run.

Each function is one transaction that first locks the run row. Web, API and admin change runs only through here.
"""

from typing import Any, Literal
from uuid import UUID

from runs.models import Agent, Run


def launch(
    *,
    user: Any,
    task: str,
    agent: Agent | None = None,
    overrides: dict[str, Any] | None = None,
    rerun_of: Run | None = None,
) -> Run:
    """A new run of `task`, queued and dispatched in one transaction. `agent` None means the default agent.

    `overrides` replaces keys of the agent's snapshot: `models`, `strategy`, `max_turns`, `max_seconds`, `tools`.
    Raises `ValueError` for an empty task or an unknown key, `Agent.DoesNotExist` if there is no default agent.
    """
    raise NotImplementedError


CancelOutcome = Literal["cancelled", "asked", "already_ended"]


def cancel(run_id: UUID, *, by: Any) -> CancelOutcome:
    """Stop a run. "cancelled": it was not hosted and is cancelled. "asked": its host has been told.

    "already_ended": nothing was changed. Asking twice is the same as asking once. Raises `Run.DoesNotExist`.
    """
    raise NotImplementedError


def run_again(run_id: UUID, *, by: Any) -> Run:
    """A new run of the same task with the same configuration, launched by `by`. Raises `Run.DoesNotExist`."""
    raise NotImplementedError
