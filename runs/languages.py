"""The languages of the pages: the one a reader gets, and the one that is active."""

from collections.abc import Iterable
from functools import cache
from typing import Final

from django.conf import settings
from django.http import HttpRequest
from django.utils import translation
from django.utils.formats import get_format
from django.utils.translation import get_language_from_request, get_supported_language_variant
from django.utils.translation.trans_real import parse_accept_lang_header

from runs.cookies import cookie_in

ENGLISH: Final = "en"
"""The language of the API, of logs and commands, and of everything that is stored."""


def language_of_headers(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The language of whoever sent the headers of a handshake, or of a request that Django has not read."""
    request = HttpRequest()
    for name, value in headers:
        if name == b"cookie" and (chosen := cookie_in(value.decode("latin1"), settings.LANGUAGE_COOKIE_NAME)):
            request.COOKIES[settings.LANGUAGE_COOKIE_NAME] = chosen
        elif name == b"accept-language":
            request.META["HTTP_ACCEPT_LANGUAGE"] = value.decode("latin1")
    return get_language_from_request(request)


def language_of_program(request: HttpRequest) -> str:
    """The language of an API response: what `Accept-Language` asks for, else English.

    Programs compare and log what the API says: neither the site's own language nor a cookie changes it.
    """
    for name, _priority in parse_accept_lang_header(request.headers.get("Accept-Language", "")):
        if name != "*" and (language := known_language(name)):
            return language
    return ENGLISH


def known_language(name: str) -> str | None:
    """The language of the site that `name`, such as `de-AT`, means; None for any other text."""
    try:
        return get_supported_language_variant(name)
    except LookupError:
        return None


def in_english(words: object) -> str:
    """Lazily translated words in English, for what is stored, logged, or told to a program."""
    with translation.override(ENGLISH):
        return str(words)


def page_language() -> str:
    """The active language, if the pages are translated into it; else English."""
    active = translation.get_language() or ENGLISH
    return active if active in settings.AGENTSITE_LANGUAGES else ENGLISH


def localized(number: str) -> str:
    """A number in English notation, such as `1,234.5`, in the notation of the page's language."""
    return number.translate(_signs(page_language()))


@cache
def _signs(language: str) -> dict[int, str]:
    return str.maketrans(
        {",": get_format("THOUSAND_SEPARATOR", language), ".": get_format("DECIMAL_SEPARATOR", language)}
    )
