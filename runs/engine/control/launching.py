"""Launching a run, and running one again."""

from typing import Any
from uuid import UUID

from django.db import transaction

from runs.agent.limits import TIME_LIMITS
from runs.engine import crashpoints
from runs.engine.dispatch import announce, dispatch
from runs.engine.launch_limits import check_launch_limits
from runs.engine.spending import check_daily_limits
from runs.models import Agent, Run

OVERRIDES = frozenset(
    {"models", "strategy", "max_turns", "max_seconds", "max_tokens", "max_cost_usd", "tools", "approval"} | TIME_LIMITS
)
"""What a launch may change of its agent's configuration."""


class AsksTooSeldom(ValueError):
    """A launch would have its agent ask before fewer calls than staff have said. The message is for the person."""


def launch(
    *,
    user: Any,
    task: str,
    agent: Agent | None = None,
    overrides: dict[str, Any] | None = None,
    rerun_of: Run | None = None,
) -> Run:
    """A new run of `task`, queued and dispatched in one transaction. `agent` None means the default agent.

    `overrides` replaces keys of the agent's snapshot, those of `OVERRIDES`; an amount of money is a decimal string.
    Raises `ValueError` for an empty task or an unknown key, `DailyLimitReached` (a `ValueError`) if the person's runs
    have used what they may in a day, `TooManyLaunches` (too) if they launch too fast or have too much queued,
    `AsksTooSeldom` (too), `Agent.DoesNotExist` if there is no default agent.
    """
    overrides = checked_overrides(overrides)
    if not task.strip():
        raise ValueError("A run needs a task.")
    if agent is None:
        agent = Agent.objects.get(is_default=True)
    _check_approval(user, agent, overrides)
    return create_run(user=user, task=task, agent=agent, config=agent.snapshot() | overrides, rerun_of=rerun_of)


def _check_approval(user: Any, agent: Agent, overrides: dict[str, Any]) -> None:
    """Staff say when an agent asks; whoever else launches it may only have it ask more often."""
    rules = Agent.Approval.values  # From the loosest to the strictest.
    rule = overrides.get("approval", agent.approval)
    if user is not None and not user.is_staff and rules.index(rule) < rules.index(agent.approval):
        raise AsksTooSeldom(
            f"{agent.name} asks before tools run: {agent.get_approval_display().lower()}. A launch can have it ask "
            "more often, not less; staff can change the agent."
        )


def run_again(run_id: UUID, *, by: Any, overrides: dict[str, Any] | None = None) -> Run:
    """A new run of the same task, launched by `by`, with the same configuration but for `overrides` (as of `launch`).

    Raises `ValueError` for an unknown key, `DailyLimitReached`, `TooManyLaunches`, and `Run.DoesNotExist`.
    """
    overrides = checked_overrides(overrides)
    earlier = Run.objects.select_related("agent").get(pk=run_id)
    config = earlier.config | overrides
    return create_run(user=by, task=earlier.task, agent=earlier.agent, config=config, rerun_of=earlier)


def checked_overrides(overrides: dict[str, Any] | None) -> dict[str, Any]:
    """The overrides, none for None. Raises `ValueError` for a key not in `OVERRIDES`, or no rule for approvals."""
    if unknown := sorted((overrides or {}).keys() - OVERRIDES):
        raise ValueError(f"A launch cannot change {', '.join(unknown)}; it can change {', '.join(sorted(OVERRIDES))}.")
    rule = (overrides or {}).get("approval", Agent.Approval.NEVER)
    if rule not in Agent.Approval.values:
        raise ValueError(f"The approval of a run is one of {', '.join(Agent.Approval.values)}, not {rule!r}.")
    return overrides or {}


@transaction.atomic
def create_run(*, user: Any, agent: Agent | None, **columns: Any) -> Run:
    """A new run, queued and dispatched. Raises `DailyLimitReached` and `TooManyLaunches`."""
    check_launch_limits(user)
    check_daily_limits(user)
    priority = agent.priority if agent is not None else 0
    run = Run.objects.create(user=user, agent=agent, priority=priority, **columns)
    crashpoints.at_commit("launch")
    dispatch(run.pk)
    announce(run.pk, 0)
    return run
