"""The title of a thread, its star and its place in the archive, changed from its page and from the list."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBadRequest, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from runs.engine import control
from runs.models import Run, Thread, ThreadMarks
from runs.models.permissions import may_change_thread
from runs.models.thread_queries import first_messages_of
from runs.web.access import PageRequest, signed_in

MAX_QUERY_CHARS = 2_000
CHANGES: dict[str, dict[str, bool]] = {
    "star": {"starred": True},
    "unstar": {"starred": False},
    "archive": {"archived": True},
    "unarchive": {"archived": False},
}


@require_POST
@signed_in
def change_thread(request: PageRequest, thread_id: UUID) -> HttpResponse:
    """Do what `action` names: `rename` (to `title`), `star`, `unstar`, `archive`, `unarchive`. To htmx what changed of
    the page; else back to it, or with `back` to the list with that query."""
    action = request.POST.get("action", "")
    changes: dict[str, Any] = CHANGES.get(action, {})
    if action == "rename":
        changes = {"title": request.POST.get("title", "")}
    try:
        control.change_thread(thread_id, by=request.user, **changes)
    except Thread.DoesNotExist as error:
        raise Http404(gettext("There is no such thread, or none of its runs is yours.")) from error
    if not changes:
        return HttpResponseBadRequest(gettext("Say what to do: rename, star, unstar, archive or unarchive."))
    if not request.htmx:
        if words := _told(action):
            messages.info(request, words)
        return redirect(_way_back(request, thread_id))
    context = marks_context(request.user, thread_id)
    if request.htmx.target == "thread-bar":
        return render(request, "threads/partials/bar.html", context | {"is_changed": True})
    return render(request, "threads/partials/marks.html", context | {"back": request.POST.get("back")})


def marks_context(user: Any, thread_id: UUID) -> dict[str, Any]:
    """The context of the bar of a thread's page. At most six queries."""
    runs = Run.objects.in_thread(thread_id)
    marks = ThreadMarks.of([thread_id], user=user).get(thread_id, ThreadMarks())
    first = first_messages_of(user, [thread_id]).get(thread_id, "")
    return {
        "thread_id": thread_id,
        "marks": marks,
        "may_change": may_change_thread(user, wrote=runs.filter(user=user.pk).exists()),
        "first_message": first,
        "title": marks.title or first,
    }


def _told(action: str) -> str:
    match action:
        case "archive":
            return gettext("The thread is archived. A new message takes it out of the archive.")
        case "unarchive":
            return gettext("The thread is back in the list.")
        case _:
            return ""


def _way_back(request: PageRequest, thread_id: UUID) -> str:
    if "back" not in request.POST:
        return reverse("runs:thread", args=[thread_id])
    return list_of(request)


def list_of(request: PageRequest) -> str:
    """The list with the query that the form names as `back`."""
    query = QueryDict(request.POST.get("back", "")[:MAX_QUERY_CHARS]).urlencode()
    return f"{reverse('runs:threads')}?{query}"
