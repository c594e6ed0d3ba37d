"""The list of threads: what a user may see of each, newest activity first, searched and paged by a cursor."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from runs.live.rendering.run_lines import add_lines, with_starts
from runs.models import Run, Thread, ThreadMarks
from runs.models.permissions import may_change_thread, may_see_all
from runs.models.thread_queries import ThreadFigures, figures_of, with_titles
from runs.web.access import PageRequest, signed_in
from runs.web.run_sorts import Cursor, places_of, text_of
from runs.web.thread_filter import ThreadFilter

PAGE_LENGTH: Final = 50
READ_AT_ONCE: Final = 200
"""Threads whose texts one query of a search reads."""
SEARCH_S: Final = 0.2
"""After this long a search reads no further threads."""


@dataclass(frozen=True, slots=True)
class ThreadSummary:
    """A thread in the list."""

    newest: Run
    """With its line."""
    title: str
    """The chosen one, or the beginning of the first message that the user may see."""
    figures: ThreadFigures
    marks: ThreadMarks
    may_change: bool
    """True if the user may name and archive it."""

    @property
    def pk(self) -> UUID:
        """The thread."""
        return self.newest.thread_id


@dataclass(slots=True)
class FoundThreads:
    """A page of newest runs, by id."""

    ids: list[UUID]
    cursor: Cursor | None = None
    """Where the next page begins; None if there is none."""
    is_cut: bool = False
    """True if the time of a search was over before the page was full."""


@require_safe
@signed_in
def show_threads(request: PageRequest) -> HttpResponse:
    """The list; to htmx the results of another search, or the next page."""
    asked = ThreadFilter.of(request.GET, user=request.user)
    found = _search(asked) if asked.words else _page(asked)
    target = request.htmx.target if request.htmx and not request.htmx.history_restore_request else None
    context: dict[str, Any] = {
        "filter": asked,
        "found": found,
        "threads": summaries_of(request.user, found.ids),
        "cursor": text_of(found.cursor.value, found.cursor.run_id) if found.cursor else "",
        "show_owner": may_see_all(request.user),
    }
    templates = {"older": "threads/partials/rows.html", "results": "threads/partials/results.html"}
    response = render(request, templates.get(target or "", "threads/list.html"), context)
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response


def summaries_of(user: Any, newest: Iterable[UUID]) -> list[ThreadSummary]:
    """The threads of these newest runs, in the same order. At most seven queries."""
    ids = list(newest)
    runs = with_titles(user, with_starts(Run.objects.select_related("agent", "user"))).in_bulk(ids)
    add_lines(list(runs.values()))
    threads = [run.thread_id for run in runs.values()]
    figures, marks, theirs = figures_of(user, threads), ThreadMarks.of(threads, user=user), _written_by(user, threads)
    return [
        ThreadSummary(
            run,
            run.title,  # type: ignore[attr-defined]
            figures.get(run.thread_id, ThreadFigures()),
            marks.get(run.thread_id, ThreadMarks()),
            may_change_thread(user, wrote=run.thread_id in theirs),
        )
        for run_id in ids
        if (run := runs.get(run_id)) is not None
    ]


def _written_by(user: Any, threads: list[UUID]) -> set[UUID]:
    """Those of the threads in which `user` wrote."""
    if not may_see_all(user):
        return set(threads)
    theirs = _runs_of(threads).filter(user=user.pk)
    return set(theirs.values_list(Coalesce(F("thread"), F("pk")), flat=True))


def _page(asked: ThreadFilter) -> FoundThreads:
    rows = places_of(asked.threads(), limit=PAGE_LENGTH + 1)
    shown = rows[:PAGE_LENGTH]
    cursor = Cursor(shown[-1][1], shown[-1][0]) if len(rows) > PAGE_LENGTH else None
    return FoundThreads([run_id for run_id, _moment in shown], cursor)


def _search(asked: ThreadFilter) -> FoundThreads:
    """The next threads with these words in their title, a message or an answer. No search holds a request: after
    `SEARCH_S` it says how far it came."""
    ends_at, found = time.monotonic() + SEARCH_S, FoundThreads([])
    while rows := places_of(asked.threads(), "thread", limit=READ_AT_ONCE):
        matching = _mentioning(asked.user, [thread for _id, _place, thread in rows], asked.words)
        for run_id, place, thread in rows:
            if thread in matching:
                found.ids.append(run_id)
            if len(found.ids) == PAGE_LENGTH:
                found.cursor = Cursor(place, run_id)
                return found
        asked = replace(asked, before=Cursor(rows[-1][1], rows[-1][0]))
        if time.monotonic() >= ends_at:
            found.cursor, found.is_cut = asked.before, True
            return found
    return found


def _mentioning(user: Any, threads: list[UUID], words: str) -> set[UUID]:
    found = _runs_of(threads).visible_to(user).filter(Q(task__mentions=words) | Q(answer__mentions=words))
    titled = Thread.objects.filter(pk__in=threads, title__mentions=words).values_list("pk", flat=True)
    return {*found.values_list(Coalesce(F("thread"), F("pk")), flat=True), *titled}


def _runs_of(threads: list[UUID]) -> Any:
    return Run.objects.filter(Q(pk__in=threads) | Q(thread__in=threads)).order_by()
