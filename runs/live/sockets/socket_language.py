"""The language of a socket."""

from urllib.parse import parse_qs

from django.conf import settings

from runs.asgi_types import Scope
from runs.languages import language_of_headers


def language_of(scope: Scope) -> str:
    """The language of the page that opened the socket, which it names as `?language=`; else that of its browser.

    The page comes first: another tab may have chosen another language since, and a page shows one at a time.
    """
    named = parse_qs(scope["query_string"].decode("latin1")).get("language", [""])[-1].lower()
    return named if named in settings.AGENTSITE_LANGUAGES else language_of_headers(scope["headers"])
