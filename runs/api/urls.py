"""The URLs of the API, version 1. All responses below them have the API's error shape, 404 included."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponseBase
from django.urls import URLPattern, path, re_path
from django.utils.cache import patch_cache_control
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from runs.api import (
    agent_files,
    agent_versions,
    agents,
    alerts,
    calls,
    decisions,
    deliveries,
    files,
    notifications,
    push_devices,
    questions,
    reference,
    run_control,
    run_messages,
    runs,
    schedules,
    slack_channels,
    templates,
    threads,
    tools,
    triggers,
    webhooks,
)
from runs.api.agui import stream
from runs.api.api import api
from runs.api.errors import not_allowed, not_found
from runs.api.query_parameters import Known, known_parameters

View = Callable[..., Any]

for _router in (
    runs.router,
    run_control.router,
    threads.router,
    calls.router,
    decisions.router,
    questions.router,
    run_messages.router,
    agents.router,
    agent_versions.router,
    agent_files.router,
    tools.router,
    templates.router,
    schedules.router,
    alerts.router,
    triggers.router,
    deliveries.router,
    files.router,
    webhooks.router,
    notifications.router,
    slack_channels.router,
    push_devices.router,
    stream.router,
):
    api.add_router("", _router)


def _answering(view: View, known: Known) -> View:
    """The view, which also answers HEAD where it answers GET, and refuses other methods in the API's error shape.

    `known` are the query parameters it takes.
    """
    if iscoroutinefunction(view):

        @wraps(view)
        async def answering_async(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
            return _finished(request, await view(_prepared(request, known), **kwargs))

        return answering_async

    @wraps(view)
    def answering(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        return _finished(request, view(_prepared(request, known), **kwargs))

    return answering


def _prepared(request: HttpRequest, known: Known) -> HttpRequest:
    # The server omits the body of a response to HEAD.
    if request.method == "HEAD":
        request.method = "GET"
    # Checked after authentication (`auth.RequireScope`).
    request.known_query = known.get(request.method or "", ())  # type: ignore[attr-defined]
    return request


def _finished(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    if response.status_code == 405:
        response = not_allowed(request.method, response["Allow"]).response()
    patch_cache_control(response, private=True, no_store=True)
    return response


@csrf_exempt
def no_such_address(request: HttpRequest) -> HttpResponseBase:
    """404 for every other address below /api/, without authentication."""
    return _finished(request, not_found("address").response())


def _patterns() -> list[URLPattern]:
    patterns, _, _ = api.urls
    known = known_parameters(api)
    found = [pattern for pattern in patterns if isinstance(pattern, URLPattern) and pattern.name != "api-root"]
    for pattern in found:
        pattern.callback = _answering(pattern.callback, known[str(pattern.pattern)])
    return found


app_name = "api"
urlpatterns = [
    *_patterns(),
    path("openapi.json", _answering(csrf_exempt(require_safe(reference.openapi)), {}), name="openapi"),
    path("docs", require_safe(reference.reference), name="reference"),
    re_path(r"", no_such_address, name="no-such-address"),
]
