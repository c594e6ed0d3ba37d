"""What a dashboard shows: the runs something can still happen to, the ones that ended last, and how many."""

from datetime import timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from runs.models import Run

MAX_UNFINISHED = 100
RECENTLY_FINISHED = 20
COUNTED_FOR = timedelta(hours=24)


def runs_on_dashboard(user: Any) -> list[Run]:
    """The runs on `user`'s dashboard, newest first: all unfinished (the newest 100), and the 20 newest finished."""
    mine = Run.objects.visible_to(user).select_related("user")
    unfinished = mine.unfinished()[:MAX_UNFINISHED]
    finished = mine.filter(status__in=Run.FINAL)[:RECENTLY_FINISHED]
    return sorted([*unfinished, *finished], key=lambda run: (run.created_at, run.pk), reverse=True)


def counts_for(user: Any) -> dict[str, int]:
    """How many runs `user` sees: queued, running and waiting now, and those of the last 24 hours by how they ended."""
    mine: QuerySet[Run] = Run.objects.visible_to(user).order_by()
    now = mine.unfinished().aggregate(
        queued=Count("pk", filter=Q(status=Run.Status.IDLE)),
        running=Count("pk", filter=Q(status__in=[Run.Status.THINKING, Run.Status.EXECUTING])),
        waiting=Count("pk", filter=Q(status=Run.Status.WAITING)),
    )
    ended = mine.filter(status__in=Run.FINAL, created_at__gte=timezone.now() - COUNTED_FOR).aggregate(
        completed=Count("pk", filter=Q(status=Run.Status.COMPLETED)),
        failed=Count("pk", filter=Q(status=Run.Status.FAILED)),
        cancelled=Count("pk", filter=Q(status=Run.Status.CANCELLED)),
    )
    return now | ended
