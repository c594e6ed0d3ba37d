"""The search for words in runs: task, answer, error, and the texts of all steps. Bounded in time.

Runs are read in the order of the list, a few at a time, until a page is full or the time is over. The result says
how far it came, and the next page goes on from there: no search holds a request, however many steps there are.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.fields.json import KT

from runs.models import Run, Step
from runs.web.access import id_in
from runs.web.run_sorts import Cursor, RunSort, places_of

SEARCH_S: Final = 0.15
"""After this long no further runs are read."""
RUNS_AT_ONCE: Final = 200
STEPS_AT_ONCE: Final = 3000
"""Maximum steps whose texts one query reads, if more than one run has them."""


@dataclass(slots=True)
class SearchResult:
    """What a search found."""

    ids: list[UUID] = field(default_factory=list)
    """In the order of the list."""
    cursor: Cursor | None = None
    """Where the next page begins; None if all runs were read."""
    is_cut: bool = False
    """True if the time was over before the page was full."""
    read: int = 0
    """The runs that were read."""


def search(runs: QuerySet[Run], words: str, *, sort: RunSort, before: Cursor | None, limit: int) -> SearchResult:
    """The next `limit` of the sorted `runs` that mention `words`."""
    ends_at, found = time.monotonic() + SEARCH_S, SearchResult()
    if run_id := id_in(words):
        found.ids = list(runs.filter(pk=run_id).values_list("pk", flat=True))
        return found
    for window in _windows(runs, sort, before):
        matching = _matching([run_id for run_id, _place, _steps in window], words)
        for run_id, place, _steps in window:
            found.read += 1
            if run_id in matching:
                found.ids.append(run_id)
            if len(found.ids) == limit:
                found.cursor = Cursor(place, run_id)
                return found
        if time.monotonic() >= ends_at:
            found.cursor, found.is_cut = Cursor(window[-1][1], window[-1][0]), True
            return found
    return found


def _windows(runs: QuerySet[Run], sort: RunSort, after: Cursor | None) -> Iterator[list[tuple[UUID, Any, int]]]:
    """The runs as id, value in the order and number of steps, as many at a time as one query may read."""
    while True:
        rest = runs if after is None else sort.after(runs, after)
        rows = places_of(rest, "next_sequence", limit=RUNS_AT_ONCE)
        if not rows:
            return
        window, steps = rows[:1], rows[0][2]
        for row in rows[1:]:
            steps += row[2]
            if steps > STEPS_AT_ONCE:
                break
            window.append(row)
        yield window
        after = Cursor(window[-1][1], window[-1][0])


def _matching(run_ids: list[UUID], words: str) -> set[UUID]:
    steps = Step.objects.filter(run=OuterRef("pk"))
    in_steps = Exists(steps.filter(Q(content__mentions=words) | Q(tool_name__mentions=words)))
    runs = Run.objects.filter(pk__in=run_ids).alias(error_message=KT("error__message")).order_by()
    in_run = Q(task__mentions=words) | Q(answer__mentions=words) | Q(error_message__mentions=words)
    return set(runs.filter(in_run | Q(in_steps)).values_list("pk", flat=True))
