"""The page of a thread: a conversation, as its runs follow each other up."""

import time
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.db.models.functions import Left
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from runs.live.rendering.step_icons import ALL_ICONS
from runs.models import Run, Thread
from runs.models.permissions import may_steer
from runs.web.access import PageRequest, id_in, signed_in
from runs.web.files import files_field
from runs.web.form_keys import new_key
from runs.web.forms import FollowUpForm, MessageForm, agent_names
from runs.web.run_bulk import MOST_CHOSEN
from runs.web.thread_entries import entries_of
from runs.web.thread_marks import marks_context
from runs.web.thread_totals import totals_of
from runs.web.thread_tree import ThreadRun, ThreadTree

PAGE_LENGTH: Final = 30
"""Runs of a conversation on a page; older ones come on scrolling up."""
TITLE_CHARS: Final = 600
"""Characters of a message that are read for a title."""
NOT_THERE: Final = gettext_lazy("There is no such thread, or none of its runs is yours.")


@require_safe
@signed_in
def show_thread(request: PageRequest, thread_id: UUID) -> HttpResponse:
    """Show the conversation with the run `at`, the newest by default, or the runs before the run `before`; to htmx
    only those."""
    thread = ThreadTree.seen_by(request.user, thread_id)
    if thread is None:
        return _to_its_thread(request, thread_id)
    path = thread.path_through(_known(thread, request.GET.get("at", "")) or thread.newest)
    ids = [run.pk for run in path]
    asked = _known(thread, request.GET.get("before", ""))
    end = ids.index(asked) if asked in ids else len(path)
    start = max(0, end - PAGE_LENGTH)
    context: dict[str, Any] = {
        "thread": thread,
        "entries": entries_of(request.user, thread, path[start:end], first=start + 1),
        "older": urlencode({"at": ids[-1], "before": ids[start]}) if start else "",
        "first_is_gone": not start and not thread.has_first,
    }
    if request.htmx and request.htmx.target == "older":
        template = "threads/partials/entries.html"
    else:
        template = "threads/thread.html"
        context |= _around(request.user, thread, path) | {"is_newest": end == len(path), "last": context["entries"][-1]}
    response = render(request, template, context)
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response


@require_safe
@signed_in
def show_entry(request: PageRequest, thread_id: UUID, run_id: UUID) -> HttpResponse:
    """One run of a thread as its page shows it: a live page asks for it again when the run has changed."""
    thread = ThreadTree.seen_by(request.user, thread_id)
    run = thread.runs.get(run_id) if thread is not None else None
    if thread is None or run is None or not run.is_seen:
        raise Http404(str(NOT_THERE))
    path = thread.path_through(run_id)
    [entry] = entries_of(request.user, thread, [run], first=path.index(run) + 1)
    context: dict[str, Any] = {"thread": thread, "entry": entry}
    if entry.run is not None and entry.run.is_finished:
        # The sums change with its end.
        context |= {"totals": totals_of(request.user, thread.id), "export_query": _export_query(path)}
    return render(request, "threads/partials/live_entry.html", context)


@dataclass(frozen=True, slots=True)
class NamedRun:
    """A run with its message, or the beginning of it."""

    pk: UUID
    title: str


@dataclass(frozen=True, slots=True)
class ThreadPlace:
    """Where a run stands in its thread."""

    url: str
    title: str
    number: int
    count: int
    previous: NamedRun | None
    next: NamedRun | None
    """The newest of those that follow it up."""


def place_of(user: Any, run: Run) -> ThreadPlace | None:
    """The place of a run in its thread, as `user` may see it; None for a run alone. At most five queries."""
    is_first = run.thread is None or run.thread == run.pk
    if is_first and not Run.objects.visible_to(user).filter(thread=run.pk).exclude(pk=run.pk).exists():
        return None
    thread = ThreadTree.seen_by(user, run.thread_id)
    if thread is None or run.pk not in thread.runs:
        return None
    path = thread.path_through(run.pk)
    at = [each.pk for each in path].index(run.pk)
    first = next(each for each in path if each.is_seen)
    around = {1: path[at + 1 : at + 2], -1: path[max(0, at - 1) : at]}
    seen = {way: each.pk for way, runs in around.items() for each in runs if each.is_seen}
    titles = _titles([first.pk, *seen.values()])
    named = {way: NamedRun(run_id, titles[run_id]) for way, run_id in seen.items()}
    chosen = Thread.objects.filter(pk=thread.id).values_list("title", flat=True).first()
    title = chosen or titles[first.pk]
    return ThreadPlace(place_in_thread(run), title, at + 1, len(path), named.get(-1), named.get(1))


def place_in_thread(run: Run) -> str:
    """The address of a run in its thread."""
    return f"{reverse('runs:thread', args=[run.thread_id])}?at={run.pk}#run-{run.pk}"


def _titles(run_ids: list[UUID]) -> dict[UUID, str]:
    return dict(Run.objects.filter(pk__in=run_ids).values_list("pk", Left("task", TITLE_CHARS)))


def _around(user: Any, thread: ThreadTree, path: list[ThreadRun]) -> dict[str, Any]:
    last = Run.objects.select_related("agent", "user").get(pk=path[-1].pk)
    return {
        **marks_context(user, thread.id),
        "totals": totals_of(user, thread.id),
        "export_query": _export_query(path),
        "run": last,
        "agents": agent_names(),
        "icons": ALL_ICONS,
        "now_ms": round(time.time() * 1000),
        "follow_up": FollowUpForm(),
        "compose": MessageForm() if not last.is_finished and may_steer(user, last) else None,
        **files_field([]),
        "once": new_key(),
        "actions_once": new_key(),
    }


def _export_query(path: list[ThreadRun]) -> str:
    """The last runs of a conversation, for the export."""
    return urlencode([("run", run.pk) for run in path if run.is_seen][-MOST_CHOSEN:])


def _known(thread: ThreadTree, text: str) -> UUID | None:
    run_id = id_in(text)
    return run_id if run_id in thread.runs else None


def _to_its_thread(request: PageRequest, run_id: UUID) -> HttpResponse:
    """A follow-up is found under its own id, too."""
    run = Run.objects.visible_to(request.user).filter(pk=run_id, thread__isnull=False).only("thread").first()
    if run is None:
        raise Http404(str(NOT_THERE))
    return redirect(place_in_thread(run))
