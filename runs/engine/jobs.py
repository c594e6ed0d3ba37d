"""What Procrastinate carries, where several processes work together: wake-ups, and nothing that may be lost.

Correctness is in our own rows. A job says "somebody, host this run"; who hears it claims the row or finds it taken, and
a sweep finds the runs whose job was lost.
"""

from contextlib import suppress
from uuid import UUID

from django.db import transaction
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from runs.engine.dispatch import current_host

QUEUE = "runs"


@app.task(name="host_run", queue=QUEUE)
async def host_run(run_id: str) -> None:
    """Have the host of this process host a run, or pass it on. Nothing happens without one: a sweep finds the run."""
    if (host := current_host()) is not None:
        host.wake(UUID(run_id))


def defer(run_id: UUID) -> None:
    """Wake some worker for a run when the open transaction commits. One wake-up that waits is enough."""
    # In a savepoint: what a database refuses ends the transaction it was asked in.
    with suppress(AlreadyEnqueued), transaction.atomic():
        host_run.configure(queueing_lock=f"run-{run_id}").defer(run_id=str(run_id))
