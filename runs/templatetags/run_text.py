"""Template filters for untrusted texts."""

from collections.abc import Mapping
from typing import Any, Final

from django import template
from django.forms import BaseForm
from django.utils.translation import gettext

from runs.live.rendering import stored_words
from runs.markdown import visible
from runs.models import Step

QUOTATION_MARKS: Final = (('"', '"'), ("“", "”"), ("„", "“"), ("»", "«"), ("«", "»"), ("「", "」"))

register = template.Library()


@register.filter
def one_line(text: str, length: int = 160) -> str:
    """The beginning of `text` on one line, at most `length` characters, without invisible characters."""
    line = visible(" ".join(text[: 4 * length].split()))
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


@register.filter
def quoted(text: str, length: int = 160) -> str:
    """As `one_line`, in the quotation marks of the language, and without those of its own around the whole.

    A text that begins or ends with a quotation gets none: two marks would meet.
    """
    inside = _without_marks(text.strip())
    line = one_line(inside, length)
    if any(inside.startswith(opening) or inside.endswith(closing) for opening, closing in QUOTATION_MARKS):
        return line
    return gettext("“%(text)s”") % {"text": line}


def _without_marks(text: str) -> str:
    for opening, closing in QUOTATION_MARKS:
        inside = text.removeprefix(opening).removesuffix(closing)
        if len(inside) == len(text) - 2 and inside and not {opening, closing} & set(inside):
            return inside
    return text


@register.filter
def error_words(text: str) -> str:
    """The message or suggestion of an error, in the reader's language."""
    return stored_words.error_words(text or "")


@register.filter
def step_words(step: Step) -> str:
    """The step's text, in the reader's language."""
    return stored_words.words_of(step)


@register.filter
def shown(text: str) -> str:
    """All of `text`, with invisible characters shown by name."""
    return visible(text)


@register.filter
def pairs(mapping: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Names and values. In a template `mapping.items` asks for the key `items` before the method."""
    return list(mapping.items())


@register.filter
def faults(form: BaseForm) -> list[str]:
    """The form-wide errors. `form.non_field_errors` would be a field of that name, if the form has one."""
    return [str(fault) for fault in form.non_field_errors()]
