"""Rings the doorbell for commits: at most once for each run and turn of the event loop, less often for dashboards."""

import asyncio
from uuid import UUID

from runs import doorbell
from runs.engine.host_timings import DEFAULT_TIMINGS, HostTimings


class CommitNotifier:
    """Collects committed runs and rings for them in a task of its own, so that no run waits for the channel layer."""

    def __init__(self, timings: HostTimings = DEFAULT_TIMINGS) -> None:
        self._timings = timings
        self._runs: dict[UUID, int] = {}
        self._rows: set[UUID] = set()
        self._news = asyncio.Event()

    def note(self, run_id: UUID, sequence: int) -> None:
        """Note that the run has rows up to `sequence`."""
        self._runs[run_id] = sequence
        self._news.set()

    async def ring_for_ever(self) -> None:
        """Ring for noted runs until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._ring_runs())
            group.create_task(self._ring_dashboards())

    async def ring_now(self) -> None:
        """Ring for all runs noted so far."""
        runs, self._runs = self._runs, {}
        self._rows.update(runs)
        for run_id, sequence in runs.items():
            if doorbell.is_watched(run_id):
                await doorbell.ring(run_id, sequence)

    async def _ring_runs(self) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            await self.ring_now()

    async def _ring_dashboards(self) -> None:
        while True:
            await asyncio.sleep(self._timings.dashboard_every_s)
            rows, self._rows = self._rows, set()
            for run_id in rows:
                await doorbell.ring_dashboard(run_id)
