"""A line of a comparison of two texts."""

from collections.abc import Iterable

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from runs.text_diff import Span

register = template.Library()


@register.filter
def marked(spans: Iterable[Span]) -> SafeString:
    """The parts of a line, those that differ in `<mark>`. Without spaces of its own: a line keeps its spaces."""
    parts = [format_html("<mark>{}</mark>" if each.is_changed else "{}", each.text) for each in spans]
    return SafeString("".join(parts))
