"""Dispatch: requests a host for a run, and notifies hosts and viewers after the commit.

Embedded: the host of this process, after the commit. Scale-out: a Procrastinate job inside the transaction, for any
worker. Without a worker, or if the wake-up is lost, a sweep finds the row.
"""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import transaction

from runs import doorbell
from runs.engine.queueing import local_host


def dispatch(run_id: UUID) -> None:
    """Request a host for a claimable run. Call it inside the transaction that makes the run claimable."""
    if settings.IS_SCALE_OUT:
        from runs.engine.queueing import jobs  # Here: Procrastinate needs Postgres.

        jobs.defer(run_id)
    else:
        transaction.on_commit(partial(local_host.submit, run_id))


def dispatch_new(run_ids: Sequence[UUID]) -> None:
    """The same as `dispatch` and `announce` for runs that the open transaction makes: one wake-up for all of them."""
    if settings.IS_SCALE_OUT:
        from runs.engine.queueing import jobs  # Here: Procrastinate needs Postgres.

        jobs.defer_new(run_ids)
    else:
        transaction.on_commit(partial(local_host.submit_later, run_ids))
    transaction.on_commit(partial(doorbell.ring_dashboard_from_thread, run_ids))


def adopt(run_id: UUID) -> None:
    """Let the host of this process host a child run too if it hosts given runs only. Call it before `dispatch`."""
    transaction.on_commit(partial(local_host.adopt, run_id))


def tell(owner: str, run_id: UUID, do: str) -> None:
    """Send a message, such as `run.cancel`, to the host of a run, after the commit."""
    transaction.on_commit(partial(local_host.tell, owner, run_id, do))


def announce(run_id: UUID, sequence: int) -> None:
    """Ring for a changed run row or step, after the commit."""
    transaction.on_commit(partial(doorbell.ring_from_thread, run_id, sequence))


def announce_schedules() -> None:
    """Let all hosts look at the schedules after the commit, one of which was made or changed."""
    transaction.on_commit(doorbell.ring_schedules_from_thread)
