"""Queries on threads as a whole: which a person sees, their titles, and their sums."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal
from uuid import UUID

from django.db.models import CharField, Count, Exists, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce, Left

from runs.models.run import FREE, UNPRICED, Run
from runs.models.run_queries import RunQuerySet
from runs.models.thread import Thread

Show = Literal["", "starred", "archived"]
"""Which threads a list has: all that are not archived, those of them with the person's star, or the archived ones."""
TITLE_CHARS: Final = 240
"""Characters of a first message that a list reads for a title: a message may have 256 KiB."""


@dataclass(frozen=True, slots=True)
class ThreadFigures:
    """Sums over the runs of a thread that a person may see."""

    runs: int = 0
    cost: Decimal | None = None
    """US dollars of what is known; None if nothing is."""
    cost_is_partial: bool = False
    """True if the cost of some run is unknown, or known in part."""
    is_free: bool = False
    """True if all of its runs are of the built-in model."""
    tokens: int | None = None
    active_ms: int = 0


def newest_of_threads(user: Any, show: Show | None = None) -> RunQuerySet:
    """The newest run of each thread that `user` may see, in no order. A thread has a follow-up, or marks of its own.
    `show` None: archived ones too."""
    seen = Run.objects.visible_to(user).filter(thread__isnull=False).order_by()
    later = seen.filter(
        Q(created_at__gt=OuterRef("created_at")) | Q(pk__gt=OuterRef("pk")),
        thread=OuterRef("thread"),
        created_at__gte=OuterRef("created_at"),
    )
    newest = seen.filter(~Exists(later))
    if show is None:
        return newest
    archived = Q(thread__in=Thread.objects.archived().order_by().values("pk"))
    if show == "archived":
        return newest.filter(archived)
    if show == "starred":
        newest = newest.filter(thread__in=Thread.objects.starred_by(user).order_by().values("pk"))
    return newest.exclude(archived)


def with_titles(user: Any, runs: RunQuerySet) -> RunQuerySet:
    """The runs of threads with `title`: the chosen one, or the beginning of the first message that `user` may see."""
    seen = Run.objects.visible_to(user)
    chosen = Thread.objects.filter(pk=OuterRef("thread")).exclude(title="").order_by().values("title")
    first = seen.filter(pk=OuterRef("thread")).order_by().values(start=Left("task", TITLE_CHARS))
    oldest = seen.filter(thread=OuterRef("thread")).order_by("created_at", "pk").values(start=Left("task", TITLE_CHARS))
    titles = [Subquery(each[:1], output_field=CharField()) for each in (chosen, first, oldest)]
    return runs.annotate(title=Coalesce(*titles))


def first_messages_of(user: Any, threads: Iterable[UUID]) -> dict[UUID, str]:
    """The beginnings of the first messages of these threads that `user` may see. At most two queries."""
    seen, threads = Run.objects.visible_to(user).order_by(), list(threads)
    found = dict(seen.filter(pk__in=threads).values_list("pk", Left("task", TITLE_CHARS)))
    if missing := [pk for pk in threads if pk not in found]:
        # Their first run was deleted, or is another person's.
        later = seen.filter(thread__in=missing).order_by("-created_at", "-pk")
        found |= {thread: start for thread, start in later.values_list("thread", Left("task", TITLE_CHARS)) if thread}
    return found


def figures_of(user: Any, threads: Iterable[UUID]) -> dict[UUID, ThreadFigures]:
    """The sums of these threads. One query."""
    threads = list(threads)
    seen = Run.objects.visible_to(user).filter(Q(pk__in=threads) | Q(thread__in=threads)).order_by()
    sums = (
        seen.annotate(of=Coalesce("thread", "pk"))
        .values("of")
        .annotate(
            runs=Count("pk"),
            costs=Sum("cost"),
            partly=Count("pk", filter=UNPRICED),
            free=Count("pk", filter=FREE),
            tokens=Sum("tokens_used"),
            active=Sum("active_ms"),
        )
    )
    return {
        row["of"]: ThreadFigures(
            runs=row["runs"],
            cost=row["costs"],
            cost_is_partial=bool(row["partly"]),
            is_free=row["free"] == row["runs"],
            tokens=row["tokens"],
            active_ms=row["active"] or 0,
        )
        for row in sums
    }
