"""The words of a call's row: its arguments and its result on one line each."""

import json
from typing import Any

from django.utils.translation import ngettext

from runs.agent.visible_text import exact
from runs.live.rendering.formatting import counted_text, size_text
from runs.markdown import visible

MOST_CHARS = 120
"""Characters of a row; the card has the whole text."""
VALUE_CHARS = 60
NAMED_FROM = 4
"""From so many arguments on, each has its name."""


def short_arguments(arguments: Any) -> str:
    """The arguments of a call on one line: `A-100, 5`, or with names if there are many."""
    if not isinstance(arguments, dict):
        return _cut(exact(_value(arguments))) if arguments else ""
    has_names = len(arguments) >= NAMED_FROM
    words = [f"{name}: {_value(value)}" if has_names else _value(value) for name, value in arguments.items()]
    return _cut(exact(", ".join(words[:8])))


def short_result(text: str, output: Any) -> str:
    """The result of a call on one line: what it says first."""
    if isinstance(output, dict | list):
        return visible(_cut(_value(output)))
    return visible(_cut(_one_line(text[: 4 * MOST_CHARS])))


def _value(value: Any) -> str:
    match value:
        case str():
            line = _one_line(value[: 4 * VALUE_CHARS])
            return line if len(value) <= VALUE_CHARS else f"{line[:VALUE_CHARS]}… ({size_text(len(value))})"
        case dict():
            text = json.dumps(value, ensure_ascii=False) if len(value) <= 4 else ""
            return text if 0 < len(text) <= VALUE_CHARS else f"{{{_keys(len(value))}}}"
        case list():
            text = json.dumps(value, ensure_ascii=False) if len(value) <= 8 else ""
            return text if 0 < len(text) <= VALUE_CHARS else f"[{len(value)}]"
        case _:
            return json.dumps(value, ensure_ascii=False)[: 2 * VALUE_CHARS]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _cut(text: str) -> str:
    return text if len(text) <= MOST_CHARS else f"{text[:MOST_CHARS]}…"


def _keys(count: int) -> str:
    return ngettext("%(n)s key", "%(n)s keys", count) % {"n": counted_text(count)}
