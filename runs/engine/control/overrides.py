"""What a launch may change of its agent's configuration, and who may.

A person who may change the agent may set its limits, tools and approval rules. Any other person may only be stricter
(`ceilings.py`).
"""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext

from runs.agent.all_settings import LAUNCHED
from runs.agent.json_data.json_types import JsonObject
from runs.agent.wording import Wording
from runs.engine.control.ceilings import (
    Ceilings,
    OverrideRefused,
    brought_within,
    ceilings_after,
    check_ceilings,
)
from runs.engine.limits.child_limits import SHARED
from runs.languages import in_english
from runs.models import Agent, Run
from runs.models.permissions import may_add_agents, may_exceed

OVERRIDES = frozenset({"models", "strategy", "tools", "approval"} | {each.name for each in LAUNCHED})
_APPROVAL_RULES = ("approval", "tool_approvals", "approval_seconds", "on_approval_expiry")
_SOURCES = ("libraries", "skills", "agents")
_STRICTNESS: list[str] = list(Agent.Approval.values)
"""In ascending order of how often the rule asks a person."""


def changed(
    config: JsonObject, overrides: JsonObject | None, *, by: Any, ceilings: Ceilings, goes_on: bool = False
) -> JsonObject:
    """A run's configuration with the overrides. `by` None is the command line, which may change everything.

    `goes_on`: the configuration is that of a run which is resumed, and it may keep its values. Raises `ValueError` for
    a key not in `OVERRIDES` or an unknown approval rule, and `OverrideRefused`.
    """
    overrides = overrides or {}
    if unknown := sorted(overrides.keys() - OVERRIDES):
        raise ValueError(f"A launch cannot change {', '.join(unknown)}; it can change {', '.join(sorted(OVERRIDES))}.")
    rule = overrides.get("approval")
    if rule is not None and rule not in _STRICTNESS:
        raise ValueError(f"The approval of a run is one of {', '.join(_STRICTNESS)}, not {rule!r}.")
    if not may_exceed(by):
        _check_approval(config, rule)
    check_ceilings(overrides, ceilings, agent_name=_name_in(config), own=config if goes_on else None)
    # A rule set at the launch applies to all tools, also to those that have a rule of their own.
    return config | overrides | ({} if rule is None else {"approval_floor": rule})


def launched_like(run: Run, *, by: Any) -> JsonObject:
    """The configuration of a new run like an earlier one, with its agent's rules of today and within its ceilings. One
    like a child run has the limits of its agent: nobody shares them.

    Raises `PermissionDenied` for a draft without an agent, whose rules nobody has saved, and a person who may not
    create agents.
    """
    if run.is_draft and run.agent is None and not (may_exceed(by) or may_add_agents(by)):
        raise PermissionDenied(
            gettext("This run has tried a draft of an agent. Only a person who may create agents can launch it again.")
        )
    config = with_rules_of_today(run, by=by)
    if run.is_child and run.agent is not None:
        today = run.agent.snapshot()
        config = config | {name: today.get(name) for name in SHARED}
    return brought_within(config, ceilings_after(run, by=by))


def overrides_after(earlier: Run, overrides: JsonObject | None) -> JsonObject | None:
    """What people have set for a run that follows `earlier`, with these overrides of its own; None if that of the
    earlier run is not known."""
    return None if earlier.overrides is None else earlier.overrides | (overrides or {})


def with_rules_of_today(run: Run, *, by: Any) -> JsonObject:
    """The run's configuration with its agent's tools and approval rules of today; the stricter approval rule wins.

    A draft keeps its own for people who may change the agent: they try what it does not have yet.
    """
    config: JsonObject = run.config
    if run.agent is None or (run.is_draft and may_exceed(by)):
        return config
    today = run.agent.snapshot()
    rules = {name: today[name] for name in _APPROVAL_RULES}
    rules["approval"] = max(rules["approval"], _rule_of(config), key=_STRICTNESS.index)
    if today["tools"] is not None and Agent.MayRaise.TOOLS not in run.agent.launch_may_raise:
        rules["tools"] = _still_allowed(config.get("tools"), today["tools"])
    # A library or a skill that the agent has lost is not read again, nor an agent called that it has lost.
    sources = {name: today[name] for name in _SOURCES if name in today}
    return {name: value for name, value in config.items() if name not in _SOURCES} | rules | sources


def _still_allowed(chosen: list[str] | None, today: list[str]) -> list[str]:
    """The run's tools that its agent may call today; all of the agent's if none is left. None means all tools."""
    if chosen is None:
        return today
    kept = [name for name in chosen if name in today]
    return kept if kept or not chosen else today


def _check_approval(config: JsonObject, rule: str | None) -> None:
    base = _rule_of(config)
    if rule is not None and _STRICTNESS.index(rule) < _STRICTNESS.index(base):
        words = Wording(
            "%(agent)s asks before tools run: %(rule)s. A launch can have it ask more often, not less. Only a person "
            "who may change the agent can have it ask less often.",
            agent=_name_in(config),
            rule=in_english(Agent.Approval(base).label).lower(),
        )
        raise OverrideRefused("approval", words)


def _name_in(config: JsonObject) -> str:
    return str(config.get("agent", "The agent"))


def _rule_of(config: JsonObject) -> str:
    """The approval rule of a run. Runs recorded before approvals existed never ask."""
    return str(config.get("approval", Agent.Approval.NEVER))
