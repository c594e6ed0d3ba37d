"""Sweep: the repeated search for claimable runs, whose wake-up was lost or whose host is gone."""

import asyncio
import logging
import time
from contextlib import suppress
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from runs.engine.control.approval_grace import end_graces
from runs.engine.control.approvals import expire_approvals
from runs.engine.control.questions import expire_questions
from runs.engine.control.tree_stops import stop_unwanted
from runs.engine.control.tree_wakes import wake_parents
from runs.engine.host_timings import DEFAULT_TIMINGS, HostTimings
from runs.engine.hosting import claim_queries
from runs.engine.hosting.crash_trials import CrashTrials, TrialLimits
from runs.engine.queueing.local_host import Host

logger = logging.getLogger(__name__)

MAX_CLAIMS_A_SWEEP = 500
_END_STALLED = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()
AND application_name = current_setting('application_name')
AND xact_start IS NOT NULL AND wait_event = 'ClientRead'
AND state_change < clock_timestamp() - %s * interval '1 second'
"""


class Sweeper:
    """The sweeps of one host. Belongs to its loop."""

    def __init__(self, host: Host, trials: CrashTrials, timings: HostTimings = DEFAULT_TIMINGS) -> None:
        self._host = host
        self._trials = trials
        self._timings = timings
        self._wanted = asyncio.Event()
        self._left_to_others: set[UUID] = set()
        self._done = asyncio.Event()
        self._next_grace_s: float | None = None
        """Seconds from the last sweep to the end of the next grace of an approval; None without one."""
        self._stalled_at = 0.0
        """When to look for stalled transactions next."""
        self.ended_at = time.monotonic()
        """End of the last sweep, or start of the host; monotonic."""

    async def sweep_for_ever(self) -> None:
        """Sweep at every interval, and on request."""
        while True:
            self._wanted.clear()
            try:
                await self.sweep()
            except (DatabaseError, InterfaceError) as error:
                logger.warning("The sweep could not read the database, trying again: %s", error)
                await self._host.read(close_connection)
            await asyncio.sleep(min(self._timings.sweep_pause_s, self._timings.sweep_every_s))
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pause_s):
                    await self._wanted.wait()

    @property
    def _pause_s(self) -> float:
        """How long nothing has to be looked for: to the end of a grace, if that is before the next regular sweep."""
        regular = self._timings.sweep_every_s
        return regular if self._next_grace_s is None else min(regular, self._next_grace_s)

    def soon(self) -> None:
        """Request a sweep without waiting for the interval."""
        self._wanted.set()

    async def sweep(self) -> None:
        """Find claimable runs; without leases, also the stop and pause requests of the runs hosted here.

        Before that, expire approvals and questions, let runs go on whose child runs have ended, stop child runs that
        nobody waits for, end the graces of others, and end stalled transactions.
        """
        if settings.IS_SCALE_OUT and time.monotonic() >= self._stalled_at:
            # Not at requested sweeps: with concurrency limits there are many, and each would list all connections.
            self._stalled_at = time.monotonic() + self._timings.sweep_every_s
            await self._host.read(partial(end_stalled_transactions, self._timings.stalled_after_s))
        await self._host.read(expire_approvals)
        await self._host.read(expire_questions)
        await self._host.read(wake_parents)
        await self._host.read(stop_unwanted)
        self._next_grace_s = await self._host.read(end_graces)
        await self._host.release_abandoned()
        limit = min(self._host.room, MAX_CLAIMS_A_SWEEP)
        claimable, asked = await self._host.read(lambda: _look(self._host.id, limit, self._trials.limits))
        self._host.take(self._own_share(claimable))
        for run_id, wishes in asked.items():
            for message in wishes.messages:
                self._host.deliver(run_id, message)
        self._done.set()
        self.ended_at = time.monotonic()

    def _own_share(self, claimable: list[UUID]) -> list[UUID]:
        """The runs this host takes now; the others are left to other hosts once, and taken by the next sweep."""
        share = self._host.share_of(len(claimable))
        taken = [*claimable[:share], *(run_id for run_id in claimable[share:] if run_id in self._left_to_others)]
        self._left_to_others = set(claimable) - set(taken)
        if self._left_to_others:
            asyncio.get_running_loop().call_later(self._timings.left_to_others_s, self.soon)
        return taken

    async def done(self) -> None:
        """Wait for the end of the next sweep."""
        self._done.clear()
        await self._done.wait()


def _look(owner: str, limit: int, trials: TrialLimits) -> tuple[list[UUID], dict[UUID, claim_queries.ControlRequest]]:
    # With leases, each renewal returns the stop and pause requests.
    asked = {} if settings.IS_SCALE_OUT else claim_queries.control_requests_of(owner)
    return claim_queries.claimable_ids(owner, limit, trials), asked


def end_stalled_transactions(after_s: float) -> None:
    """End transactions of Agentsite's own processes that have been idle for `after_s`. Postgres only.

    They keep rows locked that no other process can take over. `idle_in_transaction_session_timeout` does not end all:
    PostgreSQL does not count the time after a pipeline, which psycopg uses for many rows, until the client sends more.
    """
    with connection.cursor() as cursor:
        cursor.execute(_END_STALLED, [after_s])
        if ended := cursor.rowcount:
            logger.warning("%d transactions had stalled for %g s and were ended.", ended, after_s)


def close_connection() -> None:
    """Close this thread's connection. A bound `connection.close` would be that of the caller's thread."""
    connection.close()
