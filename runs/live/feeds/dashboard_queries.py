"""The runs of the first page, running, waiting for a person and recently finished, and their counts."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.db.models import Count, Q
from django.utils import timezone

from runs.live.rendering.run_lines import PARKED, add_lines, with_starts
from runs.models import Run
from runs.models.run import SUCCEEDED

LIST_LENGTHS = {"waiting": 5, "running": 8, "finished": 8}
"""Maximum length of each list; the list of runs has all of them."""

COUNTED_FOR = timedelta(hours=24)
"""Finished runs are counted this far back: counting all would read the whole table at every change."""


def lists_for(user: Any) -> dict[str, list[Run]]:
    """The runs `user` sees first, by list: `waiting` (for a person), `running`, `finished`, newest first, each with its
    line."""
    runs = with_starts(Run.objects.visible_to(user).select_related("agent", "user"))
    lists = {
        "waiting": list(runs.unfinished().filter(PARKED)[: LIST_LENGTHS["waiting"]]),
        "running": list(runs.unfinished().exclude(PARKED)[: LIST_LENGTHS["running"]]),
        "finished": list(runs.filter(status__in=Run.FINAL)[: LIST_LENGTHS["finished"]]),
    }
    add_lines([run for listed in lists.values() for run in listed])
    return lists


def runs_for(user: Any) -> Iterator[Run]:
    """The runs of all lists, oldest first, so that a page can put each on top of its list."""
    runs = [run for runs in lists_for(user).values() for run in runs]
    yield from sorted(runs, key=lambda run: (run.created_at, run.pk))


def counts_for(user: Any) -> dict[str, int]:
    """The counts `user` sees: running (queued included) and waiting for a person now; succeeded, could not, failed,
    cancelled of the last 24 h."""
    runs = Run.objects.visible_to(user).order_by()
    now = runs.unfinished().aggregate(
        running=Count("pk", filter=~PARKED),
        waiting=Count("pk", filter=PARKED),
    )
    ended = runs.filter(status__in=Run.FINAL, created_at__gte=timezone.now() - COUNTED_FOR).aggregate(
        completed=Count("pk", filter=SUCCEEDED),
        could_not=Count("pk", filter=Q(could_not=True)),
        failed=Count("pk", filter=Q(status=Run.Status.FAILED)),
        cancelled=Count("pk", filter=Q(status=Run.Status.CANCELLED)),
    )
    return now | ended
