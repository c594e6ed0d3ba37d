"""The list of threads: what a user may see of each, newest activity first, searched and paged by a cursor."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, Exists, F, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce, Left
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from runs.live.rendering.run_lines import START_CHARS, add_lines, with_starts
from runs.models import Run
from runs.models.permissions import may_see_all
from runs.models.run import FREE
from runs.models.run_queries import RunQuerySet
from runs.web.access import PageRequest, signed_in
from runs.web.run_sorts import NEWEST, Cursor, places_of, text_of

PAGE_LENGTH: Final = 50
READ_AT_ONCE: Final = 200
"""Threads whose texts one query of a search reads."""
SEARCH_S: Final = 0.3
"""After this long a search reads no further threads."""


@dataclass(frozen=True, slots=True)
class ThreadSummary:
    """A thread in the list."""

    newest: Run
    """With its line."""
    title: str
    """The beginning of the first message that the user may see."""
    runs: int
    cost: Decimal | None
    cost_is_partial: bool
    is_free: bool
    """True if all of its runs are of the built-in model."""

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
    words = request.GET.get("q", "").replace("\x00", "").strip()[:500]
    before = NEWEST.cursor_in(request.GET.get("before", ""))
    found = _search(request.user, words, before) if words else _page(request.user, before)
    target = request.htmx.target if request.htmx and not request.htmx.history_restore_request else None
    context: dict[str, Any] = {
        "q": words,
        "is_first": before is None,
        "found": found,
        "threads": summaries_of(request.user, found.ids),
        "cursor": text_of(found.cursor.value, found.cursor.run_id) if found.cursor else "",
        "show_owner": may_see_all(request.user),
    }
    templates = {"older": "threads/partials/rows.html", "results": "threads/partials/results.html"}
    response = render(request, templates.get(target or "", "threads/list.html"), context)
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response


def newest_of_threads(user: Any) -> RunQuerySet:
    """The newest run of each thread that `user` may see, newest first. A thread has a follow-up."""
    seen = Run.objects.visible_to(user).filter(thread__isnull=False)
    later = seen.order_by().filter(
        Q(created_at__gt=OuterRef("created_at")) | Q(pk__gt=OuterRef("pk")),
        thread=OuterRef("thread"),
        created_at__gte=OuterRef("created_at"),
    )
    return NEWEST.apply(seen).filter(~Exists(later))  # type: ignore[return-value]  # of the same manager


def with_titles(user: Any, runs: RunQuerySet) -> RunQuerySet:
    """The follow-ups with `title`: the beginning of the first message of their thread that `user` may see."""
    seen = Run.objects.visible_to(user)
    first = seen.filter(pk=OuterRef("thread")).order_by()
    oldest = seen.filter(thread=OuterRef("thread")).order_by("created_at", "pk")
    titles = [Subquery(each.values(start=Left("task", START_CHARS))[:1]) for each in (first, oldest)]
    return runs.annotate(title=Coalesce(*titles))


def summaries_of(user: Any, newest: Iterable[UUID]) -> list[ThreadSummary]:
    """The threads of these newest runs, in the same order. At most four queries."""
    ids = list(newest)
    runs = with_titles(user, with_starts(Run.objects.select_related("agent", "user"))).in_bulk(ids)
    add_lines(list(runs.values()))
    figures = _figures(user, [run.thread_id for run in runs.values()])
    return [
        ThreadSummary(run, run.title, **figures[run.thread_id])  # type: ignore[attr-defined]
        for run_id in ids
        if (run := runs.get(run_id)) is not None
    ]


def _figures(user: Any, threads: list[UUID]) -> dict[UUID, dict[str, Any]]:
    seen = Run.objects.visible_to(user).filter(Q(pk__in=threads) | Q(thread__in=threads)).order_by()
    by_thread = seen.annotate(of=Coalesce("thread", "pk")).values("of")
    sums = by_thread.annotate(
        runs=Count("pk"),
        costs=Sum("cost"),
        partly=Count("pk", filter=Q(cost_is_partial=True)),
        free=Count("pk", filter=FREE),
    )
    return {
        row["of"]: {
            "runs": row["runs"],
            "cost": row["costs"],
            "cost_is_partial": bool(row["partly"]),
            "is_free": row["free"] == row["runs"],
        }
        for row in sums
    }


def _page(user: Any, before: Cursor | None) -> FoundThreads:
    rows = places_of(_behind(newest_of_threads(user), before), limit=PAGE_LENGTH + 1)
    shown = rows[:PAGE_LENGTH]
    cursor = Cursor(shown[-1][1], shown[-1][0]) if len(rows) > PAGE_LENGTH else None
    return FoundThreads([run_id for run_id, _moment in shown], cursor)


def _search(user: Any, words: str, before: Cursor | None) -> FoundThreads:
    """The next threads with these words in a message or an answer. No search holds a request: after `SEARCH_S` it says
    how far it came."""
    ends_at, found = time.monotonic() + SEARCH_S, FoundThreads([])
    while rows := places_of(_behind(newest_of_threads(user), before), "thread", limit=READ_AT_ONCE):
        matching = _mentioning(user, [thread for _id, _moment, thread in rows], words)
        for run_id, moment, thread in rows:
            if thread in matching:
                found.ids.append(run_id)
            if len(found.ids) == PAGE_LENGTH:
                found.cursor = Cursor(moment, run_id)
                return found
        before = Cursor(rows[-1][1], rows[-1][0])
        if time.monotonic() >= ends_at:
            found.cursor, found.is_cut = before, True
            return found
    return found


def _mentioning(user: Any, threads: list[UUID], words: str) -> set[UUID]:
    seen = Run.objects.visible_to(user).filter(Q(pk__in=threads) | Q(thread__in=threads)).order_by()
    found = seen.filter(Q(task__mentions=words) | Q(answer__mentions=words))
    return set(found.values_list(Coalesce(F("thread"), F("pk")), flat=True))


def _behind(runs: RunQuerySet, cursor: Cursor | None) -> Any:
    return runs if cursor is None else NEWEST.after(runs, cursor)
