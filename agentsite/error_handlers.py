"""Error handlers for failures outside views: below /api/ in the API's error shape, elsewhere a page."""

import sys
from collections.abc import Callable

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.views.defaults import server_error as server_error_page

from runs.api.errors import ApiError, busy, error_for, too_many, unexpected, unreadable
from runs.asgi_types import Scope, Send
from runs.database_outages import RETRY_AFTER_S
from runs.languages import language_of_headers
from runs.web import error_pages, outage_page


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A malformed request, or one for an unknown host name. Named by `urls.handler400`."""
    if _is_to_the_api(request):
        if isinstance(exception, DisallowedHost):
            words = "The request names a host this site was not told of."
            action = "Use the site's own address, or have the host added to AGENTSITE_ALLOWED_HOSTS."
            return ApiError(400, "wrong_host", words, action=action).response()
        return unreadable().response()
    return error_pages.bad_request(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """A bug outside the API's own views, or an unreachable database. Named by `urls.handler500`."""
    error = sys.exc_info()[1]
    if _is_to_the_api(request):
        return (error_for(error) if isinstance(error, Exception) else unexpected()).response()
    return outage_page.answer_to(error, request) or server_error_page(request)


async def too_busy(scope: Scope, send: Send) -> None:
    """Answer 503 without calling Django: too many requests wait."""
    words = "Too many requests wait to be answered. Try again in a few seconds."
    await _refuse(busy(words).response() if _is_api(scope["path"]) else _page(scope, outage_page.busy), send)


async def too_many_waiting(scope: Scope, send: Send) -> None:
    """Answer 429: too many requests of this user or address wait already."""
    error = too_many("Too many requests of yours wait to be answered.", RETRY_AFTER_S)
    is_api = _is_api(scope["path"])
    await _refuse(error.response() if is_api else _page(scope, outage_page.too_many_of_yours), send)


def _page(scope: Scope, page: Callable[..., HttpResponse]) -> HttpResponse:
    """The page in the language of the reader; it loads itself again if that changes nothing."""
    with translation.override(language_of_headers(scope["headers"])):
        return page(retries=scope["method"] in outage_page.READS)


async def _refuse(response: HttpResponse, send: Send) -> None:
    response["Cache-Control"] = "no-store"
    headers = [(name.encode(), value.encode()) for name, value in response.items()]
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    await send({"type": "http.response.body", "body": response.content})


def _is_to_the_api(request: HttpRequest) -> bool:
    return _is_api(request.path_info)


def _is_api(path: str) -> bool:
    return path.startswith("/api/")
