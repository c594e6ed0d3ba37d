"""Access of pages: the sign-in check, the lookup of a run, and the check of a permission.

`runs/models/permissions.py` says what each permission allows.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django_htmx.middleware import HtmxDetails

from runs.models import Run
from runs.models.permissions import why_not
from runs.request_slots import note_person
from runs.web.count_cache import invalidate_counts
from runs.web.sign_in_forms import SignInForm
from runs.web.unsent_forms import UnsentForm

P = ParamSpec("P")


class PageRequest(HttpRequest):
    """A request with the attributes that the middleware adds."""

    htmx: HtmxDetails
    user: User | AnonymousUser


PageView = Callable[Concatenate[PageRequest, P], HttpResponse]


def signed_in(view: PageView[P]) -> PageView[P]:
    """Admit signed-in users only; redirect others to the sign-in page, with the way back."""

    @wraps(view)
    def checked(request: PageRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if request.user.is_authenticated:
            note_person(request.session.session_key or "", request.user.pk)
            response = view(request, *args, **kwargs)
            if request.method == "POST":
                invalidate_counts(request.user)
            return response
        kept = UnsentForm.of(request) if request.method == "POST" and not request.htmx else None
        if kept is not None and (signed := kept.sign()):
            return show_sign_in(request, next=_way_back(request), kept=signed)
        return go_to(request, f"{reverse('runs:login')}?{urlencode({'next': _way_back(request)})}")

    return checked


def only_if(may: Callable[[Any], bool]) -> Callable[[PageView[P]], PageView[P]]:
    """Admit only users for whom `may` is true. Other signed-in users get 404."""

    def decorated(view: PageView[P]) -> PageView[P]:
        @signed_in
        @wraps(view)
        def checked(request: PageRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if not may(request.user):
                raise Http404(gettext("There is no such page, or it is not for you."))
            return view(request, *args, **kwargs)

        return checked

    return decorated


def run_or_404(request: PageRequest, run_id: UUID, *, may: Callable[[Any, Run], bool] | None = None) -> Run:
    """The run, if the signed-in user may see it; 404 for another user's run as for a missing one.

    Raises `PermissionDenied` if the user sees the run and `may` forbids the action.
    """
    run = Run.objects.visible_to(request.user).select_related("agent", "user").filter(pk=run_id).first()
    if run is None:
        raise Http404(gettext("There is no such run, or it is not yours."))
    if may is not None and not may(request.user, run):
        raise PermissionDenied(why_not(may, request.user, run))
    return run


def id_in(text: str) -> UUID | None:
    """`text` as a UUID; None if it is none."""
    try:
        return UUID(text)
    except ValueError:
        return None


def show_sign_in(request: PageRequest, **context: str) -> HttpResponse:
    """The sign-in page in place of the requested one: 401."""
    response = render(request, "accounts/login.html", {"form": SignInForm(request), **context}, status=401)
    add_never_cache_headers(response)
    return response


def go_to(request: PageRequest, url: str) -> HttpResponse:
    """A redirect that the browser follows as a whole page, for htmx requests too."""
    if request.htmx:
        return HttpResponse(status=204, headers={"HX-Redirect": url})
    return redirect(url)


def _way_back(request: PageRequest) -> str:
    """The page to return to after signing in: this one, or the one a change was sent from (changes have no page)."""
    if request.method in ("GET", "HEAD") and not request.htmx:
        return request.get_full_path()
    asked_from = (request.htmx.current_url if request.htmx else request.META.get("HTTP_REFERER")) or ""
    if not url_has_allowed_host_and_scheme(asked_from, {request.get_host()}, require_https=request.is_secure()):
        return reverse("runs:dashboard")
    parts = urlsplit(asked_from)
    return parts.path + (f"?{parts.query}" if parts.query else "")
