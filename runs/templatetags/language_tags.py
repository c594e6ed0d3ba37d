"""The language of a page, its direction, and the languages to choose from."""

from django import template
from django.conf import settings
from django.utils.translation import get_language_info

from runs.languages import ENGLISH, page_language

register = template.Library()
register.simple_tag(page_language)


@register.simple_tag
def page_direction() -> str:
    """`rtl` or `ltr`: the value of `dir`."""
    return "rtl" if get_language_info(page_language())["bidi"] else "ltr"


@register.simple_tag
def page_languages() -> list[tuple[str, str]]:
    """The languages to choose from: the code, and the name in the language itself."""
    return list(settings.AGENTSITE_LANGUAGES.items())


@register.simple_tag
def script_words() -> str:
    """The static file with the page's language for scripts; empty for English, which the scripts contain."""
    language = page_language()
    return f"words/{language}.js" if language != ENGLISH else ""
