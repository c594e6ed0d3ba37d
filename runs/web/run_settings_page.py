"""The settings that a run was launched with: a view of its page, with what its agent says today beside them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from runs.agent.all_settings import SETTINGS
from runs.agent.json_data.json_types import JsonObject
from runs.agent.payloads.notes import NotePayload
from runs.agent.setting import Setting
from runs.agent.tools.registry import default_tools, registered_tools
from runs.agent_configs.setting_labels import fact_label_of
from runs.live.rendering.long_texts import SHOWN_CHARS
from runs.markdown import visible
from runs.models import Agent, Run
from runs.models.permissions import may_read_agents, may_see_agents
from runs.web.agent_facts import STRATEGIES, ToolFact, tool_fact
from runs.web.run_settings import setting_words, span_words

_ASKS: Final = {
    "never": gettext_lazy("Nothing"),
    "unsafe": gettext_lazy("Tools that change things outside"),
    "always": gettext_lazy("Every tool"),
}
"""Each rule of approvals in words, the strictest last."""
_MODELS: Final = {
    "models": gettext_lazy("Models"),
    "strategy": gettext_lazy("Strategy"),
    "max_attempts": gettext_lazy("Attempts at a reply"),
}
_APPROVALS: Final = {
    "output_schema": gettext_lazy("Schema of the answer"),
    "approval": gettext_lazy("Asks before"),
    "tool_approvals": gettext_lazy("Rules for single tools"),
    "approval_seconds": gettext_lazy("A call waits for a person"),
    "on_approval_expiry": gettext_lazy("If nobody decides"),
}
"""What a snapshot has besides the declared settings, tools and instructions."""


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting of the run."""

    name: str
    value: str
    origin: str
    """Where the value came from."""
    now: str = ""
    """The agent's value today, if it is another one."""
    is_code: bool = False


@dataclass(frozen=True, slots=True)
class Resumed:
    """A change at a resume."""

    value: Any
    origin: str


def settings_context(user: Any, run: Run) -> dict[str, Any]:
    """Rows by group, the tools, and how many settings the agent has changed since.

    A person who may not see agents sees the run's own values only.
    """
    agent = run.agent.snapshot() if run.agent is not None and may_see_agents(user) else None
    changed = _resumes(run)
    groups = [
        (_("Models"), [_other_row(run, agent, name, str(label)) for name, label in _MODELS.items()]),
        (_("Limits"), list(_rows(run, agent, changed, "limits", "timeouts"))),
        (_("Model settings"), list(_rows(run, agent, changed, "model"))),
        (_("Approval and answer"), [_other_row(run, agent, name, str(label)) for name, label in _APPROVALS.items()]),
    ]
    tools_now = _tool_change(run.config, agent)
    instructions_differ = (
        agent is not None and may_read_agents(user) and agent["instructions"] != run.config.get("instructions", "")
    )
    differences = sum(bool(row.now) for _title, rows in groups for row in rows)
    return {
        "groups": [(title, rows) for title, rows in groups if rows],
        "tools": tools_of_run(run.config),
        "tools_now": tools_now,
        "instructions_differ": instructions_differ,
        "differences": differences + bool(tools_now) + bool(instructions_differ),
        "has_agent": agent is not None,
    }


def tools_of_run(config: JsonObject) -> list[ToolFact]:
    """The tools that the run may call, with their effects today."""
    known = registered_tools()
    names, rules = config.get("tools"), config.get("tool_approvals") or {}
    shown = list(default_tools()) if names is None else [str(name) for name in names]
    approval, floor = config.get("approval", "never"), config.get("approval_floor", "never")
    return [tool_fact(name, known.get(name), approval, rules, floor) for name in shown]


def _rows(run: Run, agent: JsonObject | None, changed: dict[str, Resumed], *groups: str) -> Iterator[SettingRow]:
    for setting in SETTINGS.values():
        value = run.config.get(setting.name)
        if setting.group not in groups or (_is_unset(value) and _default(setting) is None):
            if setting.group in groups and agent is not None and not _is_unset(agent.get(setting.name)):
                yield SettingRow(
                    fact_label_of(setting), _("not set"), _("Launch"), _words(setting, agent.get(setting.name))
                )
            continue
        now = "" if agent is None else _words(setting, agent.get(setting.name))
        words = _words(setting, value)
        origin = _origin(run, setting.name, agent, is_same=words == now)
        if setting.name in changed and changed[setting.name].value == value:
            origin = changed[setting.name].origin
        yield SettingRow(
            fact_label_of(setting), words, origin, now if now != words else "", is_code=setting.kind == "json"
        )


def _origin(run: Run, name: str, agent: JsonObject | None, *, is_same: bool) -> str:
    """Where the run has the setting from; of a run from before launches were recorded, as far as that shows."""
    if name in (run.overrides or {}):
        return _("Launch")
    if agent is None:
        return _("Run") if run.overrides is None else _("Agent at that time")
    if not is_same:
        return _("Launch, or the agent at that time") if run.overrides is None else _("Agent at that time")
    return _("Default") if _is_unset(run.config.get(name)) else _("Agent")


def _other_row(run: Run, agent: JsonObject | None, name: str, label: str) -> SettingRow:
    words = _other_words(run.config, name)
    now = "" if agent is None else _other_words(agent, name)
    is_code = name in ("models", "output_schema")
    origin = _origin(run, name, agent, is_same=words == now)
    return SettingRow(label, words, origin, now if now != words else "", is_code=is_code)


def _other_words(config: JsonObject, name: str) -> str:
    value = config.get(name)
    match name:
        case "models":
            return visible(", ".join(map(str, value or ["offline"])))
        case "strategy":
            return str(STRATEGIES[Agent.Strategy(value)][0]) if value in STRATEGIES else _("Fallback")
        case "approval":
            rules = (value or "never", config.get("approval_floor", "never"))
            return str([words for rule, words in _ASKS.items() if rule in rules][-1])
        case "approval_seconds":
            return _("for ever") if value is None else span_words(value)
        case "on_approval_expiry":
            return str(Agent.OnExpiry(value or "deny").label)
        case "output_schema":
            return visible(json.dumps(value, ensure_ascii=False)[:SHOWN_CHARS]) if value else _("none")
        case "tool_approvals":
            return visible(", ".join(f"{tool}: {rule}" for tool, rule in (value or {}).items())) or _("none")
        case _:
            return str(value if value is not None else 3)


def _tool_change(config: JsonObject, agent: JsonObject | None) -> str:
    """What the agent may call today that the run may not, and the other way round; empty for no difference."""
    if agent is None or agent["tools"] == config.get("tools"):
        return ""
    was, now = ({each.name for each in tools_of_run(each_config)} for each_config in (config, agent))
    words = [*(f"+ {name}" for name in sorted(now - was)), *(f"− {name}" for name in sorted(was - now))]
    return visible(", ".join(words))


def _resumes(run: Run) -> dict[str, Resumed]:
    """The settings that were changed at a resume, by the last one that did."""
    found: dict[str, Resumed] = {}
    for step in run.steps.notes("resumed").order_by("sequence").defer("replay", "html"):
        payload = step.payload
        if isinstance(payload, NotePayload):
            told = {"who": visible(payload.by or _("somebody")), "number": f"{step.sequence:,}"}
            origin = _("Resumed by %(who)s, step %(number)s") % told
            found |= {name: Resumed(value, origin) for name, value in (payload.overrides or {}).items()}
    return found


def _words(setting: Setting, value: Any) -> str:
    if _is_unset(value):
        default = _default(setting)
        return _("not set") if default is None else setting_words(setting, default)
    return setting_words(setting, value)


def _default(setting: Setting) -> Any:
    return setting.default if setting.default not in (None, {}, "") else setting.fallback


def _is_unset(value: Any) -> bool:
    return value in (None, "", {})
