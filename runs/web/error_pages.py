"""Error pages for refusals that Django would otherwise render without the request."""

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.http.request import split_domain_port
from django.shortcuts import render
from django.template.loader import render_to_string

from runs.live.rendering.stored_words import refusal_words
from runs.web.palette_rows import recent_runs
from runs.web.unsent_forms import UnsentForm

LONGEST_NAME = 253
"""Maximum characters of a DNS host name."""


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001  Django passes it; people cannot use it
    """The page for a missing or outdated CSRF token, with the typed texts. Named by `settings.CSRF_FAILURE_VIEW`."""
    return render(request, "403_csrf.html", {"kept": UnsentForm.of(request)}, status=403)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The page that names the missing permission; to htmx one line, which the requesting page shows. Named by
    `urls.handler403`."""
    words = refusal_words(exception)
    if request.headers.get("HX-Request") == "true" and words:
        return HttpResponse(words, status=403, content_type="text/plain; charset=utf-8")
    return render(request, "403.html", {"exception": words}, status=403)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001  Django passes it
    """The page for what does not exist or is another person's, with a way to what does. Named by `urls.handler404`."""
    user = getattr(request, "user", None)
    recent = recent_runs(user) if user is not None and user.is_authenticated else []
    return render(request, "404.html", {"recent_runs": recent}, status=404)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The page for a malformed request. Named by `urls.handler400`.

    Django's own page reads the CSRF token from the malformed form, and would fail again.
    """
    if isinstance(exception, DisallowedHost):
        return HttpResponseBadRequest(render_to_string("400_host.html", {"host": host_named_by(request)}))
    return HttpResponseBadRequest(render_to_string("400.html"))


def host_named_by(request: HttpRequest) -> str:
    """The host name in a refused request, without its port and cut to `LONGEST_NAME`; empty if it is invalid."""
    name, _port = split_domain_port(request._get_raw_host())  # type: ignore[attr-defined]  # noqa: SLF001 - what get_host() judges
    return name[:LONGEST_NAME]
