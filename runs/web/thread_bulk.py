"""Actions on several threads of the list: star, archive, and back. Each thread is checked by itself."""

from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST

from runs.engine import control
from runs.models import Thread
from runs.web.access import PageRequest, id_in, signed_in
from runs.web.thread_marks import CHANGES, list_of

MOST_CHOSEN: Final = 100
"""Threads of one request."""


@require_POST
@signed_in
def change_threads(request: PageRequest) -> HttpResponse:
    """Do what `action` names (`star`, `unstar`, `archive`, `unarchive`) to the chosen threads, say what came of it, and
    go back to the list with the query `back`."""
    action = request.POST.get("action", "")
    if action not in CHANGES:
        return HttpResponseBadRequest(gettext("Choose what to do with the threads."), content_type="text/plain")
    ids = list(dict.fromkeys(filter(None, map(id_in, request.POST.getlist("thread")[:MOST_CHOSEN]))))
    if not ids:
        messages.error(request, gettext("No thread was selected. Nothing was changed."))
    else:
        changed = sum(_is_changed(request.user, thread_id, action) for thread_id in ids)
        if changed:
            messages.info(request, _told(action, changed))
        if refused := len(ids) - changed:
            words = ngettext("%(n)s thread is not yours to change.", "%(n)s threads are not yours to change.", refused)
            messages.error(request, words % {"n": refused})
    return redirect(list_of(request))


def _is_changed(user: Any, thread_id: UUID, action: str) -> bool:
    """False for a thread that is not the user's to change, or of which they see nothing."""
    changes: dict[str, Any] = {**CHANGES[action]}
    try:
        control.change_thread(thread_id, by=user, **changes)
    except (Thread.DoesNotExist, PermissionDenied):
        return False
    return True


def _told(action: str, count: int) -> str:
    match action:
        case "star":
            words = ngettext("%(n)s thread has your star.", "%(n)s threads have your star.", count)
        case "unstar":
            words = ngettext("%(n)s thread is without your star.", "%(n)s threads are without your star.", count)
        case "archive":
            words = ngettext("%(n)s thread is archived.", "%(n)s threads are archived.", count)
        case _:
            words = ngettext("%(n)s thread is back in the list.", "%(n)s threads are back in the list.", count)
    return words % {"n": count}
