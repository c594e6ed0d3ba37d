"""Rings for what was committed: at most one ring per run and turn of the loop, and few for the dashboards."""

import asyncio
from uuid import UUID

from runs import doorbell

DASHBOARD_EVERY_S = 0.25
"""Dashboards show a run's row, not its steps: four looks a second are as good as live."""


class Bell:
    """Collects what the writer committed and rings for it in a task of its own, so that no run waits for the layer."""

    def __init__(self) -> None:
        self._runs: dict[UUID, int] = {}
        self._rows: set[UUID] = set()
        self._news = asyncio.Event()

    def note(self, run_id: UUID, sequence: int) -> None:
        """There are rows of the run up to `sequence`."""
        self._runs[run_id] = sequence
        self._news.set()

    async def ring_for_ever(self) -> None:
        """Ring as news come in."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._ring_runs())
            group.create_task(self._ring_dashboards())

    async def ring_now(self) -> None:
        """Ring for everything noted so far."""
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
            await asyncio.sleep(DASHBOARD_EVERY_S)
            rows, self._rows = self._rows, set()
            for run_id in rows:
                await doorbell.ring_dashboard(run_id)
