"""Texts from outside, as lists and headings show them."""

import json
from typing import Any

from django import template

from runs.markdown import visible

register = template.Library()

MAX_ARGUMENT_CHARS = 256 * 1024
"""Who approves a call approves all of its arguments, so all of them are shown; the page lets long ones scroll."""


@register.filter
def one_line(text: str, length: int = 160) -> str:
    """The beginning of `text` on one line, at most `length` characters, nothing invisible in it."""
    line = visible(" ".join(text[: 4 * length].split()))
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


@register.filter
def argument(value: Any) -> str:
    """An argument of a call as a person reads it: text as it is, anything else as JSON; what is very long is cut."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
    return visible(
        text if len(text) <= MAX_ARGUMENT_CHARS else f"{text[:MAX_ARGUMENT_CHARS]}… ({len(text):,} characters)"
    )


@register.filter
def shown(text: str) -> str:
    """All of `text`, with what cannot be seen shown by its name."""
    return visible(text)
