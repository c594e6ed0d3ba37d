"""The saved views of the list of runs: saved from its filters, renamed and deleted by the person who saved them."""

from typing import Any, Final

from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from runs.models import RunView
from runs.models.permissions import may_share_views
from runs.web.access import PageRequest, signed_in
from runs.web.run_filter import RunFilter

MOST_VIEWS: Final = 10
"""Views that one person saves, and shared ones that a page shows."""
MOST_QUERY_CHARS: Final = 4_000


@require_POST
@signed_in
def save_view(request: PageRequest) -> HttpResponse:
    """Save the filters of `query` as `name`, in place of the person's view of that name."""
    name = " ".join(request.POST.get("name", "").replace("\x00", "").split())[:60]
    asked = request.POST.get("query", "")[:MOST_QUERY_CHARS].lstrip("?")
    query = RunFilter(QueryDict(asked), user=request.user).query()
    user: Any = request.user
    mine = RunView.objects.filter(user=user)
    if not name:
        return _refused(request, _("A view needs a name."), query)
    if mine.exclude(name=name).count() >= MOST_VIEWS:
        words = _("You have %(most)s views. Delete one first.") % {"most": MOST_VIEWS}
        return _refused(request, words, query)
    shared = "shared" in request.POST and may_share_views(request.user)
    saved, _is_new = mine.update_or_create(user=user, name=name, defaults={"query": query, "is_shared": shared})
    return redirect(address_of(saved))


@require_POST
@signed_in
def change_view(request: PageRequest, view_id: int) -> HttpResponse:
    """Rename (`action=rename`) or delete (`action=delete`) a view of one's own; 404 for another's."""
    view = RunView.objects.filter(pk=view_id, user=request.user.pk).first()
    if view is None:
        raise Http404(_("There is no such view, or it is not yours."))
    if request.POST.get("action") == "delete":
        view.delete()
        messages.info(request, _("The view %(name)s is deleted.") % {"name": view.name})
        return redirect(f"{reverse('runs:history')}?{view.query}")
    name = " ".join(request.POST.get("name", "").replace("\x00", "").split())[:60]
    if not name:
        messages.error(request, _("A view needs a name."))
    elif not _rename(view, name):
        messages.error(request, _("Another view has this name."))
    return redirect(address_of(view))


def _rename(view: RunView, name: str) -> bool:
    """False if another view of the person has the name."""
    try:
        with transaction.atomic():
            RunView.objects.filter(pk=view.pk).update(name=name)
    except IntegrityError:
        return False
    return True


def address_of(view: RunView) -> str:
    """The address of the list with the view's filters."""
    return f"{reverse('runs:history')}?{view.query}{'&' if view.query else ''}saved={view.pk}"


def views_for(user: Any) -> list[RunView]:
    """The views a person is offered: their own, then those that others share."""
    return [*RunView.objects.filter(user=user.pk), *RunView.objects.shared_with(user)[:MOST_VIEWS]]


def _refused(request: PageRequest, words: str, query: str) -> HttpResponse:
    messages.error(request, words)
    return redirect(f"{reverse('runs:history')}?{query}")
