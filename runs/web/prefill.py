"""A launch form filled in from an earlier run, with one thing changed that may help."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from runs.agent.limits import TIME_LIMITS, RunLimits
from runs.models import Run
from runs.models.agent import MAX_COST_ALLOWED, MAX_SECONDS_ALLOWED, MAX_TOKENS_ALLOWED, MAX_TURNS_ALLOWED
from runs.web.forms import MAX_TIME_LIMIT_S
from runs.web.model_names import model_choices

LIMITS: dict[str, tuple[str, Decimal | int]] = {
    "max_turns": ("max_turns", MAX_TURNS_ALLOWED),
    "max_duration_s": ("max_seconds", MAX_SECONDS_ALLOWED),
    "max_tokens": ("max_tokens", MAX_TOKENS_ALLOWED),
    "max_cost_usd": ("max_cost_usd", MAX_COST_ALLOWED),
    **{name: (name, MAX_TIME_LIMIT_S) for name in TIME_LIMITS},
}
"""By a limit's name in `RunLimits`: the field that sets it, and the most it may be."""


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
        **{name: config.get(name) for name, _most in LIMITS.values()},
    }
    filled = Prefill(run, initial)
    if change == "model":
        _switch_model(filled)
    elif change in LIMITS:
        _double(filled, change)
        if change in ("first_token_timeout_s", "idle_timeout_s") and _reaches_the_whole(filled, change):
            _double(filled, "model_timeout_s")
    return filled


def _own_model(run: Run) -> str:
    """The run's first model, if it is not simply what its agent would use."""
    models = run.config.get("models") or []
    if not models or (run.agent is not None and run.agent.snapshot()["models"] == models):
        return ""
    return str(models[0])


def _double(filled: Prefill, limit: str) -> None:
    name, most = LIMITS[limit]
    used = filled.run.config.get(name) or getattr(RunLimits(), limit)
    if used is not None:
        before = Decimal(str(used))
        filled.initial[name] = _plain(min(2 * before, Decimal(most)))
        filled.changed[name] = f"It was {_plain(before)}."


def _reaches_the_whole(filled: Prefill, limit: str) -> bool:
    """Whether a part of a reply would be waited for as long as all of it."""
    whole = filled.run.config.get("model_timeout_s") or RunLimits().model_timeout_s
    return Decimal(filled.initial[limit]) >= Decimal(str(whole))


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"


def _switch_model(filled: Prefill) -> None:
    tried = filled.run.config.get("models") or []
    others = [name for name in model_choices() if name not in tried]
    names = ", ".join(map(str, tried))
    if others:
        # After the one that failed, so that pressing it again and again tries them all.
        later = [name for name in others if model_choices().index(name) > _place(tried)]
        filled.initial["model"] = (later or others)[0]
        filled.changed["model"] = f"It was {names}."
    else:
        filled.initial["model"] = ""
        filled.changed["model"] = f"It was {names}, and no other is set up here. Type one."


def _place(tried: list[str]) -> int:
    choices = model_choices()
    return max((choices.index(name) for name in tried if name in choices), default=-1)
