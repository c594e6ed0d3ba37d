"""Who may see what: the sign-in check of every page, and the one way a page finds its run."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from django.contrib.auth.models import AnonymousUser, User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.middleware import HtmxDetails

from runs.models import Run

P = ParamSpec("P")


class PageRequest(HttpRequest):
    """A request as the middleware leaves it for our pages."""

    htmx: HtmxDetails
    user: User | AnonymousUser


PageView = Callable[Concatenate[PageRequest, P], HttpResponse]


def signed_in(view: PageView[P]) -> PageView[P]:
    """Let only signed-in people in; send anybody else to the sign-in page, with the way back."""

    @wraps(view)
    def checked(request: PageRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if request.user.is_authenticated:
            response = view(request, *args, **kwargs)
            # What one person sees is kept by no proxy, and asked for again after signing out.
            patch_cache_control(response, private=True, no_cache=True)
            return response
        return go_to(request, f"{reverse('runs:login')}?{urlencode({'next': _way_back(request)})}")

    return checked


def staff_only(view: PageView[P]) -> PageView[P]:
    """Let only staff in. To others who are signed in there is no such page."""

    @signed_in
    @wraps(view)
    def checked(request: PageRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not request.user.is_staff:
            raise Http404("This page is for staff.")
        return view(request, *args, **kwargs)

    return checked


def run_or_404(request: PageRequest, run_id: UUID) -> Run:
    """The run, if the signed-in person may see it. Another user's run and no run at all look the same."""
    run = Run.objects.visible_to(request.user).select_related("agent", "user").filter(pk=run_id).first()
    if run is None:
        raise Http404("There is no such run, or it is not yours.")
    return run


def id_in(text: str) -> UUID | None:
    """The id that `text` is; None if it is none."""
    try:
        return UUID(text)
    except ValueError:
        return None


def go_to(request: PageRequest, url: str) -> HttpResponse:
    """A redirect the browser follows as a whole page, also when htmx asked."""
    if request.htmx:
        return HttpResponse(status=204, headers={"HX-Redirect": url})
    return redirect(url)


def _way_back(request: PageRequest) -> str:
    """The page to return to after signing in: this one, or the one a change was asked from (changes have no page)."""
    if request.method in ("GET", "HEAD") and not request.htmx:
        return request.get_full_path()
    asked_from = (request.htmx.current_url if request.htmx else request.META.get("HTTP_REFERER")) or ""
    if not url_has_allowed_host_and_scheme(asked_from, {request.get_host()}, require_https=request.is_secure()):
        return reverse("runs:dashboard")
    parts = urlsplit(asked_from)
    return parts.path + (f"?{parts.query}" if parts.query else "")
