"""The settings of a run for the folded part of its page: limits, tools, model settings, timeouts."""

import json
from typing import Any, NamedTuple

from runs.agent.all_settings import LAUNCHED
from runs.agent.json_data.json_types import JsonObject
from runs.agent.setting import Group, Setting
from runs.agent.text import counted
from runs.live.rendering.formatting import dollars, duration_text
from runs.markdown import visible
from runs.models import Agent, Run


class Fact(NamedTuple):
    """One line: name and value."""

    name: str
    value: str
    is_code: bool = False


def facts_of(run: Run) -> list[Fact]:
    """The run's configured settings and limits, in words; empty for runs recorded before they existed."""
    config: JsonObject = run.config
    return [
        *_facts(config, "limits"),
        *_tools(config.get("tools")),
        *_facts(config, "model"),
        *_facts(config, "timeouts"),
    ]


def _facts(config: JsonObject, group: Group) -> list[Fact]:
    return [
        Fact(each.fact_label or each.label, setting_words(each, config[each.name]), is_code=each.kind == "json")
        for each in LAUNCHED
        if each.group == group and config.get(each.name) not in (None, "", {})
    ]


def _tools(names: list[str] | None) -> list[Fact]:
    return [] if names is None else [Fact("Tools", visible(", ".join(map(str, names))) or "none")]


def setting_words(setting: Setting, value: Any) -> str:
    """The value of a setting with its unit."""
    match setting.kind:
        case "count" if setting.unit != "second":
            return counted(value, setting.unit) if setting.group == "model" else f"{value:,}"
        case "count" | "seconds":
            return duration_text(value)
        case "money":
            return dollars(setting.from_json(value))
        case "number":
            return f"{value:g}"
        case "choice":
            return str(dict(Agent.ReasoningEffort.choices).get(value, value))
        case "json":
            return visible(json.dumps(value, ensure_ascii=False))
