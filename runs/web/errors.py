"""Refusals that Django would otherwise render without the request."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001  Django passes it; people cannot use it
    """The page for a change whose CSRF token is missing or old. `settings.CSRF_FAILURE_VIEW` names it."""
    return render(request, "403_csrf.html", status=403)
