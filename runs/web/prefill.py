"""Prefill: a launch form filled in from an earlier run, with one change that may help."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from django.utils.translation import gettext as _

from runs.agent.all_settings import LAUNCHED
from runs.agent.json_data.json_types import JsonObject
from runs.agent.providers.model_catalog.suggestions import available_models
from runs.agent.setting import Setting
from runs.engine import control
from runs.languages import localized
from runs.models import Run

_DOUBLED: Final[dict[str, Setting]] = {
    each.name: each for each in LAUNCHED if each.kind in ("count", "money", "seconds")
}
"""The settings that can be doubled, by name."""


@dataclass(frozen=True, slots=True)
class Prefill:
    """The initial content of the form."""

    run: Run
    initial: JsonObject
    changed: dict[str, str] = field(default_factory=dict)
    """By field, the difference from the earlier run in words."""


def prefill(run: Run, change: str, *, by: Any) -> Prefill:
    """The launch form for the task and configuration of `run`; `change` is a button's (`remedy_buttons.py`).

    Values beyond the user's ceilings are reduced.
    """
    config = control.launched_like(run, by=by)
    initial = {
        "task": run.task,
        "agent": run.agent.name if run.agent else None,
        "model": _own_model(run, config),
        "approval": _own_approval(run),
        **{each.public: _own_setting(run, config, each.name) for each in LAUNCHED},
        "extra": _own_extra(run, config),
    }
    filled = Prefill(run, initial)
    if change == "model":
        _switch_model(filled, control.ceilings_after(run, by=by).get("models"))
    elif change in _DOUBLED:
        initial[_DOUBLED[change].public] = config.get(change)  # also where the agent has the same
        _double(filled, change, by=by)
    return filled


def _own_model(run: Run, config: JsonObject) -> str:
    """The run's first model, if it was set for the run; else empty."""
    models = config.get("models") or []
    if run.overrides is not None and "models" not in run.overrides:
        return ""
    if not models or (run.agent is not None and run.agent.snapshot()["models"] == models):
        return ""
    return str(models[0])


def _own_setting(run: Run, config: JsonObject, name: str) -> Any:
    """The run's setting, if it was set for the run; else None, so that the copy follows the agent when it changes. Of
    an older run it counts as set where the agent has another value."""
    value = config.get(name)
    if run.overrides is not None:
        return value if name in run.overrides else None
    return None if run.agent is not None and run.agent.snapshot().get(name) == value else value


def _own_approval(run: Run) -> str:
    """The run's approval rule, if it was set for the run; else empty."""
    rule = str(run.config.get("approval") or "")
    if run.overrides is not None:
        return rule if "approval" in run.overrides else ""
    return "" if run.agent is not None and run.agent.approval == rule else rule


def _own_extra(run: Run, config: JsonObject) -> JsonObject | None:
    """The run's `extra` settings; None for none, unless the agent has some, which an empty field would bring back."""
    extra: JsonObject = config.get("extra") or {}
    if run.overrides is not None:
        return extra if "extra" in run.overrides else None
    return extra if extra or (run.agent is not None and run.agent.extra_settings) else None


def kept(run: Run, chosen: JsonObject, *, by: Any) -> JsonObject:
    """Overrides that a copy of `run` keeps although the form does not show them: strategy, allowed tools, and all
    models if the shown one is unchanged. Empty for another agent; `chosen` is the form's cleaned data."""
    if run.agent is None or chosen["agent"] != run.agent:
        return {}
    before, today = control.launched_like(run, by=by), run.agent.snapshot()
    names = ["strategy", "tools"] + (["models"] if chosen["model"] == _own_model(run, before) else [])
    own = names if run.overrides is None else [name for name in names if name in run.overrides]
    return {name: before[name] for name in own if name in before and before[name] != today[name]}


def more_of(run: Run, limit: str, *, by: Any) -> JsonObject:
    """Overrides that double a limit of the run, by its name in `RunLimits`; empty for another name.

    Limited by the agent's ceiling for the user. A run at its ceiling asks for more all the same, and is refused.
    """
    doubled = _doubled(run, limit, by=by)
    return {name: _stored(_DOUBLED[name], value) for name, (_before, value) in doubled.items()}


def _double(filled: Prefill, limit: str, *, by: Any) -> None:
    for name, (before, after) in _doubled(filled.run, limit, by=by).items():
        ceiling, field = _ceiling(filled.run, name, by=by), _DOUBLED[name].public
        if ceiling is not None and after > ceiling:
            told = {"value": localized(_plain(before)), "ceiling": localized(_plain(ceiling))}
            filled.changed[field] = _("Was %(value)s. The agent allows no more than %(ceiling)s.") % told
        else:
            filled.initial[field] = _plain(after)
            filled.changed[field] = _("Was %(value)s") % {"value": localized(_plain(before))}


def _doubled(run: Run, limit: str, *, by: Any) -> dict[str, tuple[Decimal, Decimal]]:
    """By name, the limit and its double. A longer timeout within a reply may have to raise that of the whole reply."""
    setting = _DOUBLED.get(limit)
    used = setting and (run.config.get(limit) or setting.default or setting.fallback)
    if setting is None or used is None:
        return {}
    before, most = Decimal(str(used)), Decimal(str(setting.most))
    ceiling = _ceiling(run, limit, by=by)
    if ceiling is not None and before < ceiling:
        most = ceiling
    doubled = {limit: (before, min(2 * before, most))}
    if limit in ("first_token_timeout_s", "idle_timeout_s"):
        whole: float | None = run.config.get("model_timeout_s")
        if whole is not None and doubled[limit][1] >= Decimal(str(whole)):
            doubled |= _doubled(run, "model_timeout_s", by=by)
    return doubled


def _ceiling(run: Run, name: str, *, by: Any) -> Decimal | None:
    ceiling = control.ceilings_after(run, by=by).get(name)
    return None if ceiling is None else Decimal(str(ceiling))


def _stored(setting: Setting, value: Decimal) -> Any:
    if setting.kind == "money":
        return setting.as_json(value)
    return int(value) if value == value.to_integral_value() else float(value)


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"


def _switch_model(filled: Prefill, ceiling: list[str] | None) -> None:
    tried = filled.run.config.get("models") or []
    choices = available_models() if ceiling is None else list(ceiling)
    others = [name for name in choices if name not in tried]
    names = ", ".join(map(str, tried))
    if others:
        # The next one after the failed model, so that repeated use tries them all.
        place = max((choices.index(name) for name in tried if name in choices), default=-1)
        later = [name for name in others if choices.index(name) > place]
        filled.initial["model"] = (later or others)[0]
        filled.changed["model"] = _("Was %(value)s") % {"value": names}
    else:
        filled.initial["model"] = ""
        of_site = _("Was %(names)s, and no other is set up here. Type one.")
        words = of_site if ceiling is None else _("Was %(names)s, and the agent has no other.")
        filled.changed["model"] = words % {"names": names}
