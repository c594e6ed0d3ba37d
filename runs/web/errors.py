"""Refusals that Django would otherwise render without the request."""

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import render
from django.template.loader import render_to_string


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001  Django passes it; people cannot use it
    """The page for a change whose CSRF token is missing or old. `settings.CSRF_FAILURE_VIEW` names it."""
    return render(request, "403_csrf.html", status=403)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001  Django passes them
    """The page for a request that could not be read. `urls.handler400` names it.

    Django's own looks for a CSRF token first, which reads the form that could not be read: it would fail in turn.
    """
    return HttpResponseBadRequest(render_to_string("400.html"))
