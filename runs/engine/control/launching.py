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
_APPROVAL_RULES = ("approval", "tool_approvals", "approval_seconds", "on_approval_expiry")
_STRICTNESS: list[str] = list(Agent.Approval.values)
"""From the rule that asks least to the one that asks most."""


class AsksTooSeldom(ValueError):
    """A run would ask before fewer calls than its agent is to. The message is for the person."""


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
    if not task.strip():
        raise ValueError("A run needs a task.")
    if agent is None:
        agent = Agent.objects.get(is_default=True)
    config = changed(agent.snapshot(), overrides, by=user)
    return create_run(user=user, task=task, agent=agent, config=config, rerun_of=rerun_of)


def run_again(run_id: UUID, *, by: Any, overrides: dict[str, Any] | None = None) -> Run:
    """A new run of the same task, launched by `by`, with the same configuration but for `overrides` (as of `launch`).

    When a person is asked, its agent's rules of today say. Raises `ValueError` for an unknown key, `AsksTooSeldom`,
    `DailyLimitReached`, `TooManyLaunches`, and `Run.DoesNotExist`.
    """
    earlier = Run.objects.select_related("agent").get(pk=run_id)
    config = changed(with_rules_of_today(earlier), overrides, by=by)
    return create_run(user=by, task=earlier.task, agent=earlier.agent, config=config, rerun_of=earlier)


def with_rules_of_today(run: Run) -> dict[str, Any]:
    """The run's configuration, which asks a person as its agent would now, or more often if the run did."""
    config: dict[str, Any] = run.config
    if run.agent is None:
        return config
    today = run.agent.snapshot()
    rules = {name: today[name] for name in _APPROVAL_RULES}
    rules["approval"] = max(rules["approval"], _rule_of(config), key=_STRICTNESS.index)
    return config | rules


def changed(config: dict[str, Any], overrides: dict[str, Any] | None, *, by: Any) -> dict[str, Any]:
    """A run's configuration with the overrides. Raises `ValueError` for a key not in `OVERRIDES` or no rule for
    approvals, and `AsksTooSeldom`: staff say when an agent asks, and whoever else launches it may only have it ask
    more often."""
    overrides = overrides or {}
    if unknown := sorted(overrides.keys() - OVERRIDES):
        raise ValueError(f"A launch cannot change {', '.join(unknown)}; it can change {', '.join(sorted(OVERRIDES))}.")
    base = _rule_of(config)
    rule = overrides.get("approval", base)
    if rule not in _STRICTNESS:
        raise ValueError(f"The approval of a run is one of {', '.join(_STRICTNESS)}, not {rule!r}.")
    if by is not None and not by.is_staff and _STRICTNESS.index(rule) < _STRICTNESS.index(base):
        raise AsksTooSeldom(
            f"{config.get('agent', 'The agent')} asks before tools run: {Agent.Approval(base).label.lower()}. A launch "
            "can have it ask more often, not less; staff can change the agent."
        )
    return config | overrides


def _rule_of(config: dict[str, Any]) -> str:
    """When a run asks. One from before there were approvals never does."""
    return str(config.get("approval", Agent.Approval.NEVER))


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
