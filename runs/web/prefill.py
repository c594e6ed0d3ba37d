"""A launch form filled in from an earlier run, with one thing changed that may help."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from runs.agent.limits import DEFAULT_TIME_LIMITS, TIME_LIMITS, RunLimits
from runs.agent.model_settings import MAX_OUTPUT_TOKENS_ALLOWED, SETTINGS
from runs.agent.providers.suggestions import available_models
from runs.engine import control
from runs.models import Run
from runs.models.limits import (
    MAX_COST_ALLOWED,
    MAX_SECONDS_ALLOWED,
    MAX_TIME_LIMIT_S,
    MAX_TOKENS_ALLOWED,
    MAX_TURNS_ALLOWED,
)

LIMITS: dict[str, tuple[str, Decimal | int]] = {
    "max_turns": ("max_turns", MAX_TURNS_ALLOWED),
    "max_duration_s": ("max_seconds", MAX_SECONDS_ALLOWED),
    "max_tokens": ("max_tokens", MAX_TOKENS_ALLOWED),
    "max_cost_usd": ("max_cost_usd", MAX_COST_ALLOWED),
    "max_output_tokens": ("max_output_tokens", MAX_OUTPUT_TOKENS_ALLOWED),
    **{name: (name, MAX_TIME_LIMIT_S) for name in TIME_LIMITS},
}
"""By a limit's name in `RunLimits` or `ModelSettings`: the field that sets it, and the most it may be."""


@dataclass(frozen=True, slots=True)
class Prefill:
    """What the form shows at first."""

    run: Run
    initial: dict[str, Any]
    changed: dict[str, str] = field(default_factory=dict)
    """By field: what is different from the earlier run, in words."""


def prefill(run: Run, change: str) -> Prefill:
    """The launch form for the task of `run` with its configuration; `change` is a button's (`runs/live/offers.py`)."""
    config = run.config
    initial = {
        "task": run.task,
        "agent": run.agent.name if run.agent else None,
        "model": _own_model(run),
        "approval": _own_approval(run),
        **{name: config.get(name) for name, _most in LIMITS.values()},
        **{name: config.get(name) for name in SETTINGS},
        "extra": _own_extra(run),
    }
    filled = Prefill(run, initial)
    if change == "model":
        _switch_model(filled)
    elif change in LIMITS:
        _double(filled, change)
    return filled


def _own_model(run: Run) -> str:
    """The run's first model, if it is not simply what its agent would use."""
    models = run.config.get("models") or []
    if not models or (run.agent is not None and run.agent.snapshot()["models"] == models):
        return ""
    return str(models[0])


def _own_approval(run: Run) -> str:
    """The run's rule for approvals, if it is not its agent's."""
    rule = str(run.config.get("approval") or "")
    return "" if run.agent is not None and run.agent.approval == rule else rule


def _own_extra(run: Run) -> dict[str, Any] | None:
    """The run's further settings; None if it has none, unless its agent has some, which a copy would get."""
    extra: dict[str, Any] = run.config.get("extra") or {}
    return extra if extra or (run.agent is not None and run.agent.extra_settings) else None


def kept(run: Run, chosen: dict[str, Any]) -> dict[str, Any]:
    """Overrides a copy of `run` keeps because the form does not show them: its strategy, those of its tools its agent
    may call today, and all its models if the one it shows was left as it was. Nothing for another agent; `chosen` is
    the form's cleaned data."""
    if run.agent is None or chosen["agent"] != run.agent:
        return {}
    names = ["strategy", "tools"] + (["models"] if chosen["model"] == _own_model(run) else [])
    before, today = control.with_rules_of_today(run), run.agent.snapshot()
    return {name: before[name] for name in names if name in before and before[name] != today[name]}


def more_of(run: Run, limit: str) -> dict[str, Any]:
    """Overrides that allow the run twice as much of a limit, by its name in `RunLimits`; none for another name."""
    doubled = _doubled(run, limit)
    return {name: str(value) if name == "max_cost_usd" else _number(value) for name, (_, value) in doubled.items()}


def _double(filled: Prefill, limit: str) -> None:
    for name, (before, after) in _doubled(filled.run, limit).items():
        filled.initial[name] = _plain(after)
        filled.changed[name] = f"It was {_plain(before)}."


def _doubled(run: Run, limit: str) -> dict[str, tuple[Decimal, Decimal]]:
    """By field: what the limit is, and twice that. With a part of a reply the whole may have to grow as well."""
    if limit not in LIMITS:
        return {}
    name, most = LIMITS[limit]
    used = run.config.get(name) or getattr(RunLimits(), limit, None) or DEFAULT_TIME_LIMITS.get(limit)
    if used is None:
        return {}
    before = Decimal(str(used))
    doubled = {name: (before, min(2 * before, Decimal(most)))}
    if limit in ("first_token_timeout_s", "idle_timeout_s"):
        whole: float | None = run.config.get("model_timeout_s")
        if whole is not None and doubled[name][1] >= Decimal(str(whole)):
            doubled |= _doubled(run, "model_timeout_s")
    return doubled


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"


def _switch_model(filled: Prefill) -> None:
    tried = filled.run.config.get("models") or []
    others = [name for name in available_models() if name not in tried]
    names = ", ".join(map(str, tried))
    if others:
        # After the one that failed, so that pressing it again and again tries them all.
        later = [name for name in others if available_models().index(name) > _place(tried)]
        filled.initial["model"] = (later or others)[0]
        filled.changed["model"] = f"It was {names}."
    else:
        filled.initial["model"] = ""
        filled.changed["model"] = f"It was {names}, and no other is set up here. Type one."


def _place(tried: list[str]) -> int:
    choices = available_models()
    return max((choices.index(name) for name in tried if name in choices), default=-1)
