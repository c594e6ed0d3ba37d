"""Launching a run, and running one again."""

from typing import Any
from uuid import UUID

from django.db import transaction

from runs.engine import crashpoints
from runs.engine.control.overrides import changed, with_rules_of_today
from runs.engine.dispatch import announce, dispatch
from runs.engine.launch_limits import check_launch_limits
from runs.engine.spending import check_daily_limits
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

    `overrides` replaces keys of the agent's snapshot, those of `OVERRIDES`; an amount of money is a decimal string.
    Raises `ValueError` for an empty task or an unknown key, `DailyLimitReached` (a `ValueError`) if the person's runs
    have used what they may in a day, `TooManyLaunches` (too) if they launch too fast or have too much queued,
    `OverrideRefused` (too), `Agent.DoesNotExist` if there is no default agent.
    """
    if not task.strip():
        raise ValueError("A run needs a task.")
    if agent is None:
        agent = Agent.objects.get(is_default=True)
    config = changed(agent.snapshot(), overrides, by=user)
    return create_run(user=user, task=task, agent=agent, config=config, rerun_of=rerun_of)


def run_again(run_id: UUID, *, by: Any, overrides: dict[str, Any] | None = None) -> Run:
    """A new run of the same task, launched by `by`, with the same configuration but for `overrides` (as of `launch`).

    What it may call and when a person is asked, its agent's rules of today say. Raises `ValueError` for an unknown key,
    `OverrideRefused`, `DailyLimitReached`, `TooManyLaunches`, and `Run.DoesNotExist`.
    """
    earlier = Run.objects.select_related("agent").get(pk=run_id)
    config = changed(with_rules_of_today(earlier), overrides, by=by)
    return create_run(user=by, task=earlier.task, agent=earlier.agent, config=config, rerun_of=earlier)


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
