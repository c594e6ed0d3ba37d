"""Ask some process to host a run: the engine never says more than that.

Embedded: the host of this process, after the commit. Scale-out: whichever worker hears the job, which is part of the
transaction. If there is none, or the wake-up is lost, a sweep finds the row.
"""

from functools import partial
from typing import Protocol
from uuid import UUID

from django.conf import settings
from django.db import transaction

from runs import doorbell


class Host(Protocol):
    """What is needed of the host of this process, from any thread."""

    id: str

    @property
    def silent_s(self) -> float:
        """Seconds since it last looked for runs."""

    def submit(self, run_id: UUID) -> None:
        """Host this run, if it is claimable."""

    def wake(self, run_id: UUID) -> None:
        """Host this run, or have a host do it that has less to do."""

    def tell(self, run_id: UUID, message_type: str) -> None:
        """Pass a message to a run hosted here."""


_host: Host | None = None


def set_host(host: Host | None) -> None:
    """Name the host of this process, while it takes runs."""
    global _host  # noqa: PLW0603 - one host per process, by design
    _host = host


def current_host() -> Host | None:
    """The host of this process; None while it takes no runs."""
    return _host


def dispatch(run_id: UUID) -> None:
    """Have a claimable run hosted. Called inside the transaction that makes it claimable."""
    if settings.IS_SCALE_OUT:
        from runs.engine import jobs  # Here: Procrastinate needs Postgres.

        jobs.defer(run_id)
    else:
        transaction.on_commit(partial(submit, run_id))


def tell(owner: str, run_id: UUID, do: str) -> None:
    """Pass a message, such as `run.cancel`, to the host of a run, after the commit."""
    transaction.on_commit(partial(_tell, owner, run_id, do))


def announce(run_id: UUID, sequence: int) -> None:
    """Ring for a run whose row or steps were changed here, after the commit."""
    transaction.on_commit(partial(doorbell.ring_from_thread, run_id, sequence))


def submit(run_id: UUID) -> None:
    """Have the host of this process host a run. Nothing happens without one."""
    if _host is not None:
        _host.submit(run_id)


def _tell(owner: str, run_id: UUID, do: str) -> None:
    if _host is not None and _host.id == owner:
        _host.tell(run_id, do)
    else:
        doorbell.tell_host_from_thread(owner, run_id, do)
