"""What a dashboard shows: what runs, what waits, what has just finished, and how many."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.db.models import Count, Q
from django.utils import timezone

from runs.models import Run

LIST_LENGTH = 50
"""The longest list of running or of waiting runs; the history has them all."""
FINISHED_LENGTH = 10

COUNTED_FOR = timedelta(hours=24)
"""Finished runs are counted this far back: all of them would be read at every change of any run."""


def lists_for(user: Any) -> dict[str, list[Run]]:
    """The runs on `user`'s dashboard by what happens to them: `running`, `waiting`, `finished`, newest first."""
    runs = Run.objects.visible_to(user).select_related("agent", "user").defer("config", "answer", "output", "error")
    unfinished = runs.unfinished()
    return {
        "running": list(unfinished.exclude(status=Run.Status.WAITING)[:LIST_LENGTH]),
        "waiting": list(unfinished.filter(status=Run.Status.WAITING)[:LIST_LENGTH]),
        "finished": list(runs.filter(status__in=Run.FINAL)[:FINISHED_LENGTH]),
    }


def runs_for(user: Any) -> Iterator[Run]:
    """The same runs, oldest first: in this order a page can put each on top of its list."""
    runs = [run for runs in lists_for(user).values() for run in runs]
    yield from sorted(runs, key=lambda run: (run.created_at, run.pk))


def counts_for(user: Any) -> dict[str, int]:
    """How many runs `user` sees: running (queued included) and waiting now; of the last 24 hours, how they ended."""
    runs = Run.objects.visible_to(user).order_by()
    now = runs.unfinished().aggregate(
        running=Count("pk", filter=~Q(status=Run.Status.WAITING)),
        waiting=Count("pk", filter=Q(status=Run.Status.WAITING)),
    )
    ended = runs.filter(status__in=Run.FINAL, created_at__gte=timezone.now() - COUNTED_FOR).aggregate(
        completed=Count("pk", filter=Q(status=Run.Status.COMPLETED)),
        failed=Count("pk", filter=Q(status=Run.Status.FAILED)),
        cancelled=Count("pk", filter=Q(status=Run.Status.CANCELLED)),
    )
    return now | ended
