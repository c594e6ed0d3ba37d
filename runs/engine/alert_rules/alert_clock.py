"""The clock of a host: it does the rounds of alert rules, at every interval and soon after a run has ended."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Final, TypeVar

from django.db import DatabaseError, InterfaceError, connection

from runs.engine.alert_rules.rounds import EVERY, SOON, do_round, next_round_at
from runs.engine.db_clock import database_now

logger = logging.getLogger(__name__)

T = TypeVar("T")

AGAIN_AFTER: Final = timedelta(seconds=1)
"""The least time between two looks."""


class AlertClock:
    """Does the rounds that are due. Belongs to the loop of its host; several processes may have one each.

    Its queries have a thread of their own: some read the runs of a month, and would hold up those of the host.
    """

    def __init__(self) -> None:
        self._wanted = asyncio.Event()
        self._thread: ThreadPoolExecutor | None = None

    def run_left(self) -> None:
        """Do the next round soon, because a run has ended or waits for a person. On the loop."""
        self._wanted.set()

    async def run_for_ever(self) -> None:
        """Do each round when it is due."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="agentsite-alerts-db")
        try:
            await self._do_rounds()
        finally:
            # A round that has begun ends before its host does.
            await self._query(_close_connection)
            self._thread.shutdown(wait=False)

    async def _do_rounds(self) -> None:
        is_early = False
        while True:
            pause = EVERY
            try:
                pause = await self._query(lambda: _look(is_early=is_early))  # noqa: B023 - it is awaited at once
            except (DatabaseError, InterfaceError) as error:
                logger.warning("The alert rules could not be read, trying again: %s", error)
                await self._query(_close_connection)
            await asyncio.sleep(AGAIN_AFTER.total_seconds())
            with suppress(TimeoutError):
                async with asyncio.timeout(pause.total_seconds()):
                    await self._wanted.wait()
                    # Of many runs that end at once, one round tells.
                    await asyncio.sleep(SOON.total_seconds())
            is_early = self._wanted.is_set()
            self._wanted.clear()

    async def _query(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _look(*, is_early: bool) -> timedelta:
    """Do the round if it is due. Returns how long there is nothing to do, if no run ends."""
    now = database_now()
    do_round(now, is_early=is_early)
    due_at = next_round_at()
    return EVERY if due_at is None else min(EVERY, max(AGAIN_AFTER, due_at - now))


def _close_connection() -> None:
    """Close this thread's connection. A bound `connection.close` would be that of the caller's thread."""
    connection.close()
