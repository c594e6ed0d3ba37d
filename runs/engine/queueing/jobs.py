"""Procrastinate jobs: wake-ups of workers, each of which may be lost.

Correctness is in our own rows. A job requests a host for a run; the worker that gets it claims the row or finds it
taken, and a sweep finds runs whose job was lost.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.db import transaction
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from runs.database_outages import check_not_rolled_back
from runs.engine.queueing.local_host import current_host

QUEUE = "runs"


@app.task(name="host_run", queue=QUEUE)
async def host_run(run_id: str) -> None:
    """Let this process's host take the run or pass it on. No effect without a host: a sweep finds the run."""
    if (host := current_host()) is not None:
        host.wake(UUID(run_id))


def defer(run_id: UUID) -> None:
    """Wake a worker for a run when the open transaction commits. One queued wake-up per run is enough.

    Raises `OperationalError` if the transaction was lost meanwhile.
    """
    # In a savepoint: a statement that the database refuses aborts its whole transaction.
    with suppress(AlreadyEnqueued), transaction.atomic():
        host_run.configure(queueing_lock=f"run-{run_id}").defer(run_id=str(run_id))
    check_not_rolled_back()


def defer_new(run_ids: Sequence[UUID]) -> None:
    """Wake workers for runs that the open transaction makes, none of which has a wake-up yet.

    Raises `OperationalError` if the transaction was lost meanwhile.
    """
    arguments: list[dict[str, Any]] = [{"run_id": str(run_id)} for run_id in run_ids]
    host_run.batch_defer(*arguments)
    check_not_rolled_back()
