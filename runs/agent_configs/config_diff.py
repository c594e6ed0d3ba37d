"""What differs between two configurations of an agent, setting by setting."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from django.utils.text import capfirst

from runs.agent.json_data.json_types import JsonMapping
from runs.agent_configs.agent_templates import KEY as TEMPLATES
from runs.markdown import visible
from runs.models import Agent, TaskTemplate
from runs.models.agent_config import KEYS, changed_keys
from runs.text_diff import DiffRow, diff_rows, unified_lines

_COLUMNS: Final = {field.name: field for field in Agent._meta.fields}


@dataclass(frozen=True, slots=True)
class SettingDiff:
    """One setting that differs."""

    key: str
    label: str
    rows: list[DiffRow]
    """Without a row that differs if only line ends do."""
    is_new: bool
    """True if there is no value before."""
    is_gone: bool
    """True if there is none after."""


class ChangedValue(NamedTuple):
    """One key whose values differ."""

    key: str
    before: Any
    after: Any
    lines: list[str]
    """As in a unified diff."""


def changed_values(before: JsonMapping, after: JsonMapping) -> list[ChangedValue]:
    """The keys whose values differ, in the order of the file."""
    return [
        ChangedValue(
            key,
            before.get(key),
            after.get(key),
            list(unified_lines(value_lines(before.get(key)), value_lines(after.get(key)))),
        )
        for key in changed_keys(before, after)
    ]


def config_diff(before: JsonMapping, after: JsonMapping) -> list[SettingDiff]:
    """The settings that differ, in the order of the file."""
    return [
        SettingDiff(
            key,
            label_of_key(key),
            diff_rows(value_lines(before.get(key)), value_lines(after.get(key))),
            is_new=before.get(key) is None,
            is_gone=after.get(key) is None,
        )
        for key in changed_keys(before, after)
    ]


def label_of_key(key: str) -> str:
    """The name of a setting of an agent; the key itself for one that agents no longer have."""
    if key == TEMPLATES:
        return capfirst(str(TaskTemplate._meta.verbose_name_plural))
    return capfirst(str(_COLUMNS[KEYS[key][0]].verbose_name)) if key in KEYS else key


def value_lines(value: Any) -> str:
    """A value as text with a line for each of its parts."""
    match value:
        case None:
            return ""
        case str():
            return visible(value)
        case list() if all(isinstance(each, str) for each in value):
            return "\n".join(visible(each) for each in value) or "[]"
        case [{"name": str(), "task": str()}, *_]:
            return "\n".join(visible(line) for each in value for line in _template_lines(each))
        case _:
            return visible(json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True))


def _template_lines(template: JsonMapping) -> Iterator[str]:
    """A template with the lines of its task, and a line for each input."""
    for key, value in template.items():
        begin = "- " if key == "name" else "  "
        if key == "inputs":
            yield f"{begin}{key}:"
            yield from (f"    - {json.dumps(each, ensure_ascii=False)}" for each in value)
        elif "\n" in value:
            yield f"{begin}{key}: |"
            yield from (f"    {line}" for line in value.split("\n"))
        else:
            yield f"{begin}{key}: {value}"
