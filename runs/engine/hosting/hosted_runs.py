"""The runs hosted at present: their consumers and tasks."""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, KeysView, Mapping
from contextlib import suppress
from uuid import UUID

from runs.agent.errors.exception_text import for_log
from runs.agent.log_context import run_context
from runs.engine.hosting.consumer import AgentRunConsumer
from runs.engine.hosting.host_loop import HostLoop
from runs.engine.hosting.services import HostServices
from runs.engine.operations.alerts import Alert

logger = logging.getLogger(__name__)


class HostedRuns:
    """The hosted runs of one host. Not thread-safe: used on the host's loop only."""

    def __init__(
        self,
        loop: HostLoop,
        *,
        only: Collection[UUID] | None,
        services: Callable[[], HostServices],
        room: Callable[[], int],
        on_room: Callable[[], None],
    ) -> None:
        """`only` names the runs it may host; None means every run. `room` is how many more it may host, and `on_room`
        is called when a run leaves that had the last place."""
        self.consumers: dict[UUID, AgentRunConsumer] = {}
        self.tasks: dict[UUID, asyncio.Task[None]] = {}
        self._loop = loop
        self._only = None if only is None else set(only)
        self._services = services
        self._room = room
        self._on_room = on_room
        self._look_again: set[UUID] = set()

    def __len__(self) -> int:
        return len(self.tasks)

    def __contains__(self, run_id: UUID) -> bool:
        return run_id in self.consumers

    def ids(self) -> KeysView[UUID]:
        """The hosted runs."""
        return self.tasks.keys()

    def epochs(self) -> Mapping[UUID, int]:
        """The runs claimed and still worked on, with the epochs of their claims."""
        return {run_id: each.recorder.epoch for run_id, each in self.consumers.items() if each.recorder is not None}

    async def claim(self, run_ids: Iterable[UUID], limit_s: float) -> None:
        """Host these runs, except those hosted already. Returns when each is claimed or cannot be, at the latest after
        `limit_s`."""
        new = [run_id for run_id in run_ids if run_id not in self.consumers]
        for run_id in new:
            self.host(run_id)
        begun = [self.consumers[run_id] for run_id in new if run_id in self.consumers]
        with suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                for consumer in begun:
                    await consumer.claim_settled.wait()

    def host(self, run_id: UUID) -> None:
        """Host the run if there is room and it may be hosted here. One that is leaving is hosted again afterwards."""
        if self._room() <= 0:
            return
        if self._only is not None and run_id not in self._only:
            return
        if run_id in self.consumers:
            self._look_again.add(run_id)
            return
        consumer = AgentRunConsumer(self._services(), run_id)
        self.consumers[run_id] = consumer
        task = self._loop.spawn(consumer.host_run(), name=f"run {run_id}")
        self.tasks[run_id] = task
        task.add_done_callback(lambda done: self._left(run_id, done), context=self._loop.context)

    def adopt(self, run_id: UUID) -> None:
        """Add the run to those that may be hosted."""
        if self._only is not None:
            self._only.add(run_id)

    def deliver(self, run_id: UUID, message_type: str) -> None:
        """Put a message into the inbox of a run, if it is hosted here."""
        if (consumer := self.consumers.get(run_id)) is not None:
            consumer.inbox.put_nowait({"type": message_type})

    async def wait(self) -> None:
        """Return when all runs that are hosted now have left."""
        if self.tasks:
            await asyncio.wait(list(self.tasks.values()))

    async def leave(self, limit_s: float) -> None:
        """Tell every run to stop at a safe point. Those that have not left after `limit_s` are cancelled."""
        for run_id in self.consumers:
            self.deliver(run_id, "run.suspend")
        if not self.tasks:
            return
        _, late = await asyncio.wait(list(self.tasks.values()), timeout=limit_s)
        for run_id in [run_id for run_id, task in self.tasks.items() if task in late]:
            with run_context(run_id):
                logger.warning("Run %s did not leave in %g s.", run_id, limit_s)
        for task in late:
            task.cancel()

    def _left(self, run_id: UUID, task: asyncio.Task[None]) -> None:
        if self._room() <= 0:
            self._on_room()
        self.consumers[run_id].claim_settled.set()  # Its work may have been cancelled before it began.
        del self.consumers[run_id], self.tasks[run_id]
        services = self._services()
        if not task.cancelled() and (error := task.exception()) is not None:
            with run_context(run_id):
                logger.critical("Hosting run %s failed.", run_id, exc_info=for_log(error))
                words = f"Hosting a run failed: {type(error).__name__}: {error}"
                services.alerts.tell(Alert("host_failed", words, run_id, is_logged=True))
            services.claimer.abandon(run_id)
        services.claimer.end(run_id)
        if run_id in self._look_again:
            self._look_again.discard(run_id)
            self.host(run_id)
