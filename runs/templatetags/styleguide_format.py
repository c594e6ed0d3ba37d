"""Template tags of the styleguide."""

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def words(text: str) -> list[str]:
    """The words of a text, to loop over."""
    return text.split()


@register.filter
def as_style(name: str) -> str:
    """The name of a style sheet."""
    return f"{name}.css"


@register.simple_tag
def swatch(colour: str) -> SafeString:
    """A square of that colour, which no theme changes."""
    return format_html(
        '<svg class="guide-swatch" viewBox="0 0 1 1" aria-hidden="true"><rect width="1" height="1" fill="{}"/></svg>',
        colour,
    )
