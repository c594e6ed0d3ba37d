"""The admission queue of a host: runs that nobody waits for are claimed a few at a time, after page requests.

A run that a person launches or lets go on is claimed at once. What the clock launches, and what a sweep finds, may be
thousands of runs: claimed together they take the interpreter, the writer and SQLite's write lock from everybody else
for as long as it takes to begin them all.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import Final
from uuid import UUID

from runs.engine.host_timings import DEFAULT_TIMINGS, HostTimings
from runs.engine.hosting.hosted_runs import HostedRuns
from runs.engine.writing.request_priority import REQUEST_PRIORITY, RequestPriority

GROUP: Final = 10
"""Runs claimed together: one transaction of about 25 ms. A page that is asked for meanwhile waits for it."""
GROUP_BESIDE_REQUESTS: Final = 4
MOST_WAITING: Final = 100
"""Others stay in the database, where those of higher priority are found first."""


class AdmissionQueue:
    """Belongs to the loop of its host. What waits here is a hint: a sweep finds it again."""

    def __init__(
        self,
        runs: HostedRuns,
        *,
        on_room: Callable[[], None],
        timings: HostTimings = DEFAULT_TIMINGS,
        priority: RequestPriority = REQUEST_PRIORITY,
    ) -> None:
        """`on_room` is called when there is room again for runs that had none."""
        self._runs = runs
        self._on_room = on_room
        self._timings = timings
        self._priority = priority
        self._waiting: dict[UUID, None] = {}
        self._has_refused = False
        self._news = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, run_ids: Iterable[UUID]) -> None:
        """Let these runs be hosted in their turn, except those that wait or are hosted already."""
        for run_id in run_ids:
            if run_id in self._runs or run_id in self._waiting:
                continue
            if len(self._waiting) >= MOST_WAITING:
                self._has_refused = True
                break
            self._waiting[run_id] = None
        self._news.set()

    async def admit_for_ever(self) -> None:
        """Let the runs be claimed, in the order in which they came."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                await self._priority.step_back(self._timings.claims_step_back_s)
                await self._admit_next()

    async def _admit_next(self) -> None:
        size = GROUP_BESIDE_REQUESTS if self._priority.has_request() else GROUP
        group = [run_id for run_id, _ in zip(self._waiting, range(size), strict=False)]
        for run_id in group:
            del self._waiting[run_id]
        if self._has_refused and len(self._waiting) < MOST_WAITING / 2:
            self._has_refused = False
            self._on_room()
        await self._runs.claim(group, self._timings.claims_settle_s)
