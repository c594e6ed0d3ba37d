"""The template tag `lucide` with its results kept: a page has about forty icons, which took a fifth of its time."""

from functools import lru_cache

from django.template import Library
from lucide.templatetags import lucide as library

register = Library()


@register.simple_tag
@lru_cache(maxsize=1_000)
def lucide(name: str, *, size: int = 24, **attributes: str) -> str:
    """The icon as SVG. Raises `lucide.IconDoesNotExist`. `attributes` are those of `svg`, with `_` for `-`."""
    svg: str = library.lucide(name, size=size, **attributes)
    return svg
