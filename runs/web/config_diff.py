"""What differs between two configurations of an agent, setting by setting."""

import json
from dataclasses import dataclass
from typing import Any, Final

from django.utils.text import capfirst

from runs.agent.json_data.json_types import JsonMapping
from runs.markdown import visible
from runs.models import Agent
from runs.models.agent_config import KEYS, changed_keys
from runs.text_diff import DiffRow, diff_rows

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
        case _:
            return visible(json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True))
