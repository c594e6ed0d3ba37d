"""Texts from outside, as lists and headings show them."""

from django import template

from runs.markdown import visible

register = template.Library()


@register.filter
def one_line(text: str, length: int = 160) -> str:
    """The beginning of `text` on one line, at most `length` characters, nothing invisible in it."""
    line = visible(" ".join(text[: 4 * length].split()))
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


@register.filter
def shown(text: str) -> str:
    """All of `text`, with what cannot be seen shown by its name."""
    return visible(text)
