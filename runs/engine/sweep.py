"""Looking for runs to host, again and again: those whose wake-up was lost, and those whose host is gone."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Protocol
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from runs.engine import lease
from runs.engine.control.deciding import expire_approvals
from runs.engine.stalled import end_stalled_transactions

logger = logging.getLogger(__name__)

MAX_CLAIMS_A_SWEEP = 500
LEFT_FOR_S = 1.0
"""How long runs are left to the hosts that have less to do."""
LEAST_PAUSE_S = 0.02
"""Between two sweeps, however many places become free."""


class Claimant(Protocol):
    """What is asked of the host."""

    id: str

    @property
    def room(self) -> int:
        """Runs it can still take."""

    async def read(self, work: Callable[[], Any]) -> Any:
        """Do database work outside the loop."""

    async def release_abandoned(self) -> None:
        """Queue the runs again that could not be worked on."""

    def share_of(self, found: int) -> int:
        """How many of so many claimable runs it should take."""

    def take(self, run_ids: Iterable[UUID]) -> None:
        """Host these runs, but for those it hosts already."""

    def deliver(self, run_id: UUID, message_type: str) -> None:
        """Put a message into a run's inbox."""


class Sweep:
    """The sweep of one host. Belongs to its loop."""

    def __init__(self, host: Claimant, every_s: float) -> None:
        self._host = host
        self._every_s = every_s
        self._wanted = asyncio.Event()
        self._left_to_others: set[UUID] = set()
        self._done = asyncio.Event()
        self._stalled_at = 0.0
        """When stalled transactions are looked for again."""
        self.ended_at = time.monotonic()
        """When the last one ended, or the host was made."""

    async def sweep_for_ever(self) -> None:
        """Sweep now and then, and when asked to."""
        while True:
            self._wanted.clear()
            try:
                await self.sweep()
            except (DatabaseError, InterfaceError) as error:
                logger.warning("The sweep could not read the database, trying again: %s", error)
                await self._host.read(close_connection)
            await asyncio.sleep(min(LEAST_PAUSE_S, self._every_s))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), self._every_s)

    def soon(self) -> None:
        """Sweep again without waiting for the next time."""
        self._wanted.set()

    async def sweep(self) -> None:
        """Find runs to host; where there is no lease to renew, also what was asked of those hosted here.

        Before that, what nobody decided in time is decided, and who keeps rows locked and says nothing is cut off.
        """
        if settings.IS_SCALE_OUT and time.monotonic() >= self._stalled_at:
            # Not at the sweeps between: under limits there are many, and each would read the list of all connections.
            self._stalled_at = time.monotonic() + self._every_s
            await self._host.read(end_stalled_transactions)
        await self._host.read(expire_approvals)
        await self._host.release_abandoned()
        limit = min(self._host.room, MAX_CLAIMS_A_SWEEP)
        claimable, asked = await self._host.read(lambda: _look(self._host.id, limit))
        self._host.take(self._own_share(claimable))
        for run_id, wishes in asked.items():
            for message in wishes.messages:
                self._host.deliver(run_id, message)
        self._done.set()
        self.ended_at = time.monotonic()

    def _own_share(self, claimable: list[UUID]) -> list[UUID]:
        """Those this host takes now; the others are for its neighbours, and what they leave is taken the next time."""
        share = self._host.share_of(len(claimable))
        taken = [*claimable[:share], *(run_id for run_id in claimable[share:] if run_id in self._left_to_others)]
        self._left_to_others = set(claimable) - set(taken)
        if self._left_to_others:
            asyncio.get_running_loop().call_later(LEFT_FOR_S, self.soon)
        return taken

    async def done(self) -> None:
        """Return at the end of the next sweep that ends."""
        self._done.clear()
        await self._done.wait()


def _look(owner: str, limit: int) -> tuple[list[UUID], dict[UUID, lease.Asked]]:
    # With leases, what was asked comes back with each renewal.
    asked = {} if settings.IS_SCALE_OUT else lease.asked_of(owner)
    return lease.claimable_ids(owner, limit), asked


def close_connection() -> None:
    """Close this thread's connection; `connection.close` itself would be the caller's thread's."""
    connection.close()
