"""The addresses of the API, version 1. Everything below them answers in its one shape, also what does not exist."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponseBase
from django.urls import URLPattern, path, re_path
from django.utils.cache import patch_cache_control
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from runs.api import calls, catalog, deciding, reference, runs, steering
from runs.api.agui import stream
from runs.api.api import api
from runs.api.errors import not_allowed, not_found

View = Callable[..., Any]

for _router in (runs.router, steering.router, calls.router, deciding.router, catalog.router, stream.router):
    api.add_router("", _router)


def _answering(view: View) -> View:
    """The view, which also answers HEAD where it answers GET, and refuses other methods in our shape."""
    if iscoroutinefunction(view):

        @wraps(view)
        async def answering_async(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
            return _finished(request, await view(_as_get(request), **kwargs))

        return answering_async

    @wraps(view)
    def answering(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        return _finished(request, view(_as_get(request), **kwargs))

    return answering


def _as_get(request: HttpRequest) -> HttpRequest:
    # The server leaves the body out of an answer to HEAD.
    if request.method == "HEAD":
        request.method = "GET"
    return request


def _finished(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    if response.status_code == 405:
        response = not_allowed(request.method, response["Allow"]).response()
    patch_cache_control(response, private=True, no_cache=True)
    return response


@csrf_exempt
def no_such_address(request: HttpRequest) -> HttpResponseBase:
    """404 for every other address below /api/, to everybody."""
    return _finished(request, not_found("address").response())


def _patterns() -> list[URLPattern]:
    patterns, _, _ = api.urls
    found = [pattern for pattern in patterns if isinstance(pattern, URLPattern) and pattern.name != "api-root"]
    for pattern in found:
        pattern.callback = _answering(pattern.callback)
    return found


app_name = "api"
urlpatterns = [
    *_patterns(),
    path("openapi.json", _answering(csrf_exempt(require_safe(reference.openapi))), name="openapi"),
    path("docs", require_safe(reference.reference), name="reference"),
    re_path(r"", no_such_address, name="no-such-address"),
]
