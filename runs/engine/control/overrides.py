"""What a launch may change of its agent's configuration, and who may.

Staff say what an agent may call and when it asks a person. Whoever else launches it can only be stricter.
"""

from typing import Any

from runs.agent.limits import TIME_LIMITS
from runs.agent.model_settings import SETTINGS
from runs.models import Agent, Run

OVERRIDES = frozenset(
    {"models", "strategy", "max_turns", "max_seconds", "max_tokens", "max_cost_usd", "tools", "approval"}
    | {*SETTINGS, *TIME_LIMITS}
)
_APPROVAL_RULES = ("approval", "tool_approvals", "approval_seconds", "on_approval_expiry")
_STRICTNESS: list[str] = list(Agent.Approval.values)
"""From the rule that asks least to the one that asks most."""


class OverrideRefused(ValueError):
    """A run would ask before fewer calls than its agent is to, or call tools it may not. Made for the person."""

    def __init__(self, name: str, message: str) -> None:
        """`name` is the override: approval or tools."""
        super().__init__(message)
        self.name = name


def changed(config: dict[str, Any], overrides: dict[str, Any] | None, *, by: Any) -> dict[str, Any]:
    """A run's configuration with the overrides. `by` None is the command line, which may what staff may.

    Raises `ValueError` for a key not in `OVERRIDES` or a rule that is none, and `OverrideRefused`.
    """
    overrides = overrides or {}
    if unknown := sorted(overrides.keys() - OVERRIDES):
        raise ValueError(f"A launch cannot change {', '.join(unknown)}; it can change {', '.join(sorted(OVERRIDES))}.")
    rule = overrides.get("approval")
    if rule is not None and rule not in _STRICTNESS:
        raise ValueError(f"The approval of a run is one of {', '.join(_STRICTNESS)}, not {rule!r}.")
    if by is not None and not by.is_staff:
        _check_approval(config, rule)
        _check_tools(config, overrides)
    # Who asks for a rule at the launch means all tools, also those that have one of their own.
    return config | overrides | ({} if rule is None else {"approval_floor": rule})


def with_rules_of_today(run: Run) -> dict[str, Any]:
    """The run's configuration, which calls what its agent may now, and asks as that does, or more often if it did."""
    config: dict[str, Any] = run.config
    if run.agent is None:
        return config
    today = run.agent.snapshot()
    rules = {name: today[name] for name in _APPROVAL_RULES}
    rules["approval"] = max(rules["approval"], _rule_of(config), key=_STRICTNESS.index)
    if today["tools"] is not None:
        rules["tools"] = _still_allowed(config.get("tools"), today["tools"])
    return config | rules


def _still_allowed(chosen: list[str] | None, today: list[str]) -> list[str]:
    """Of a run's tools those its agent may call today; if none is left of several, that one's own. None means all."""
    if chosen is None:
        return today
    kept = [name for name in chosen if name in today]
    return kept if kept or not chosen else today


def _check_approval(config: dict[str, Any], rule: str | None) -> None:
    base = _rule_of(config)
    if rule is not None and _STRICTNESS.index(rule) < _STRICTNESS.index(base):
        raise OverrideRefused(
            "approval",
            f"{_name_in(config)} asks before tools run: {Agent.Approval(base).label.lower()}. A launch can have it ask "
            "more often, not less; staff can change the agent.",
        )


def _check_tools(config: dict[str, Any], overrides: dict[str, Any]) -> None:
    may = config.get("tools")
    if may is None or "tools" not in overrides:
        return
    asked = overrides["tools"]
    if asked is None or (beyond := sorted(set(asked) - set(may))):
        wanted = "all tools" if asked is None else ", ".join(beyond)
        raise OverrideRefused(
            "tools",
            f"{_name_in(config)} may call {', '.join(may) or 'no tools'}, not {wanted}. A launch can leave some "
            "of them out; staff can change the agent.",
        )


def _name_in(config: dict[str, Any]) -> str:
    return str(config.get("agent", "The agent"))


def _rule_of(config: dict[str, Any]) -> str:
    """When a run asks. One from before there were approvals never does."""
    return str(config.get("approval", Agent.Approval.NEVER))
