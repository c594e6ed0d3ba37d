"""Locking a run together with all runs below it, so that what happens to a run happens to its child runs too."""

from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from django.db import transaction

from runs.models import Run

T = TypeVar("T")


def in_locked_tree(run_id: UUID, work: Callable[[Run, list[Run]], T]) -> T:
    """What `work` returns, called in one transaction with the run and the runs below it, each above its own children.

    Their rows are locked in the order of their ids, as the writer does, so that the two never deadlock. A run that
    was launched meanwhile is found before `work` is called: then the rows are locked anew. Raises `Run.DoesNotExist`.
    """
    while True:
        with transaction.atomic():
            ids = _ids(run_id)
            rows = {run.pk: run for run in Run.objects.select_for_update().filter(pk__in=ids).order_by("pk")}
            # With their rows locked, none of these runs launches another one.
            if ids == _ids(run_id):
                below = sorted((rows[each] for each in ids - {run_id}), key=lambda run: (run.depth, run.created_at))
                return work(rows[run_id], below)


def _ids(run_id: UUID) -> set[UUID]:
    """The ids of the run and of all below it."""
    root, is_there = Run.objects.values_list("root", "pk").get(pk=run_id)
    found = {is_there}
    below = Run.objects.filter(root=root or run_id).order_by("depth")
    for child, parent in below.values_list("pk", "parent_call__run"):
        if parent in found:
            found.add(child)
    return found
