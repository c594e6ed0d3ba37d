"""Many runs in one process: who is hosted here, who could be, and how they all leave."""

import asyncio
import contextvars
import logging
import os
import time
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings

from runs import doorbell
from runs.agent.current_run import about_run
from runs.agent.messages import ModelProvider
from runs.agent.redaction import Redactor
from runs.agent.resilience.shared import SHARED, Shared
from runs.engine import metrics
from runs.engine.alerts import Alert, Alerts
from runs.engine.bell import Bell
from runs.engine.claims import Claims
from runs.engine.consumer import AgentRunConsumer
from runs.engine.deltas import Deltas
from runs.engine.dispatch import set_host
from runs.engine.keeping_up import keep_up
from runs.engine.leases import Leases
from runs.engine.neighbours import Neighbours
from runs.engine.secrets import known_secrets
from runs.engine.spending import Days
from runs.engine.sweep import Sweep, close_connection
from runs.engine.writer import Writer
from runs.engine.writes import Write

logger = logging.getLogger(__name__)

T = TypeVar("T")

SWEEP_EVERY_S = 5.0 if settings.IS_SCALE_OUT else 1.0
"""Embedded, a sweep also finds the cancels another process asked for; with leases those come with each renewal."""
TAKE = "host.take"
"""What a host is told that shall host a run another one was woken for."""
ALERTS_LIMIT_S = 2.0
"""How long alerts may take that still have to be sent when the host stops."""
DRAIN_LIMIT_S = 8.0
"""Calls in flight get 5 s; the rest is for the last writes."""


class RunHost:
    """The host of this process. Everything but `submit` and `tell` belongs to its loop.

    Its tasks run in an empty context: one inherited from a request would carry that request's executor, which is closed
    when the response is sent ("CurrentThreadExecutor already quit or is broken").

    `only` names the runs it may host; None means every claimable one.
    """

    def __init__(
        self,
        *,
        capacity: int = 2000,
        sweep_every_s: float = SWEEP_EVERY_S,
        only: Collection[UUID] | None = None,
        provider_for: Callable[[str], ModelProvider] | None = None,
        shared: Shared = SHARED,
    ) -> None:
        self.id = f"host-{os.getpid()}-{uuid.uuid4().hex}"
        """This boot's id: the `owner` of the runs hosted here."""
        self.capacity = capacity
        self.provider_for = provider_for or _catalog()
        self.shared = shared
        """What the runs hosted here know together about their providers."""
        self.redactor = Redactor(known_secrets())
        """Knows the secrets of this process, and hides them in what its runs record."""
        self.alerts = Alerts(self.redactor)
        self.days = Days()
        self.writer = Writer(self._committed)
        self._sweep = Sweep(self, sweep_every_s)
        self._leases = Leases(self) if settings.IS_SCALE_OUT else None
        # A host of one run shares nothing.
        self._neighbours = Neighbours(self) if settings.IS_SCALE_OUT and only is None else None
        self._only = only
        self.deltas = Deltas()
        self._bell = Bell()
        self.claims = Claims(self.id, self.writer, bell=self._bell, sweep=self._sweep, leases=self._leases)
        self._consumers: dict[UUID, AgentRunConsumer] = {}
        self._tasks: dict[UUID, asyncio.Task[None]] = {}
        self._look_again: set[UUID] = set()
        self._passing: set[asyncio.Task[None]] = set()
        self._services: list[asyncio.Task[None]] = []
        self._context = contextvars.Context()
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="agentsite-host")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._draining = False

    # Its life

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to host, on `loop`, which need not run yet. The first sweep claims what an earlier boot left behind."""
        self._loop = loop
        self.writer.start(loop)
        doorbell.set_home(loop)
        set_host(self)
        metrics.HOSTED.set_function(lambda: self.hosted)
        services = [
            self._sweep.sweep_for_ever,
            self._bell.ring_for_ever,
            self.deltas.send_for_ever,
            self._listen_for_ever,
            metrics.watch_loop_for_ever,
        ]
        if self._leases is not None:
            services.append(self._leases.renew_for_ever)
        if self._neighbours is not None:
            services += [self._neighbours.tell_for_ever, self._neighbours.listen_for_ever]
        self._services += [self._spawn(keep_up(service)) for service in services]

    async def drain(self, limit_s: float = DRAIN_LIMIT_S) -> None:
        """Claim nothing more, let every run stop at a safe point and go back to the queue, then stop the writer.

        What has not left after `limit_s` stays hosted; the next boot reclaims it. Draining twice is draining once.
        """
        if self._draining:
            return
        self._draining = True
        set_host(None)
        for consumer in self._consumers.values():
            consumer.inbox.put_nowait({"type": "run.suspend"})
        if self._tasks:
            _, late = await asyncio.wait(list(self._tasks.values()), timeout=limit_s)
            for run_id in [run_id for run_id, task in self._tasks.items() if task in late]:
                with about_run(run_id):
                    logger.warning("Run %s did not leave in %g s.", run_id, limit_s)
            for task in late:
                task.cancel()
        await self.writer.stop()
        await self._bell.ring_now()
        for service in self._services:
            service.cancel()
        await asyncio.gather(*self._services, return_exceptions=True)
        await self.read(close_connection)
        await self.read(partial(self.alerts.flush, ALERTS_LIMIT_S))
        self._reader.shutdown()
        doorbell.set_home(None)

    # From any thread

    def submit(self, run_id: UUID) -> None:
        """Ask for a run to be hosted. A hint: the sweep finds what a lost one was about."""
        self._call(self._host_if_possible, run_id)

    def wake(self, run_id: UUID) -> None:
        """The same, or pass it on to a host that has less to do."""
        self._call(self._host_or_pass_on, run_id)

    def tell(self, run_id: UUID, message_type: str) -> None:
        """Put a message (`run.cancel`, `run.try_now`, …) into the inbox of a run hosted here."""
        self._call(self.deliver, run_id, message_type)

    def _call(self, function: Callable[..., None], *args: Any) -> None:
        loop = self._loop
        if loop is None or loop.is_closed():
            return
        loop.call_soon_threadsafe(function, *args, context=self._context.copy())

    # On the loop

    @property
    def hosted(self) -> int:
        """Runs hosted now."""
        return len(self._tasks)

    @property
    def silent_s(self) -> float:
        """Seconds since the last finished sweep, or since the host was made."""
        return time.monotonic() - self._sweep.ended_at

    @property
    def room(self) -> int:
        """Runs it can still take."""
        return 0 if self._draining else self.capacity - len(self._tasks)

    def epochs(self) -> Mapping[UUID, int]:
        """The runs claimed and still worked on, with the epochs of their claims."""
        return {run_id: each.recorder.epoch for run_id, each in self._consumers.items() if each.recorder is not None}

    async def release_abandoned(self) -> None:
        """Queue the runs again that were abandoned. Raises `DatabaseError`."""
        if not self._draining:
            await self.claims.release_abandoned(hosted=self._tasks.keys())

    async def idle(self) -> None:
        """Return when nothing is hosted and nothing claimable was found since the call. For commands and tests."""
        while True:
            await self._sweep.done()
            if not self._tasks:
                return
            await asyncio.wait(list(self._tasks.values()))

    def take(self, run_ids: Iterable[UUID]) -> None:
        """Host these runs, but for those it hosts already."""
        for run_id in run_ids:
            if run_id not in self._consumers:
                self._host_if_possible(run_id)

    def share_of(self, found: int) -> int:
        """How many of so many claimable runs this host should take, if all take theirs."""
        return found if self._neighbours is None else self._neighbours.share_of(found)

    def _host_or_pass_on(self, run_id: UUID) -> None:
        other = None
        if self._neighbours is not None and run_id not in self._consumers:
            other = self._neighbours.better_for_one_more()
        if other is None:
            self._host_if_possible(run_id)
        else:
            passing = self._spawn(doorbell.tell_host(other, run_id, TAKE))
            self._passing.add(passing)
            passing.add_done_callback(self._passing.discard, context=self._context)

    def _host_if_possible(self, run_id: UUID) -> None:
        if self.room <= 0:
            return
        if self._only is not None and run_id not in self._only:
            return
        if run_id in self._consumers:
            # Still leaving, perhaps: look again when it has left.
            self._look_again.add(run_id)
            return
        consumer = AgentRunConsumer(self, run_id)
        self._consumers[run_id] = consumer
        task = self._spawn(consumer.host_run(), name=f"run {run_id}")
        self._tasks[run_id] = task
        task.add_done_callback(lambda done: self._left(run_id, done), context=self._context)

    def _left(self, run_id: UUID, task: asyncio.Task[None]) -> None:
        if self.room <= 0:
            self._sweep.soon()  # Somebody may have waited for this place.
        del self._consumers[run_id], self._tasks[run_id]
        if not task.cancelled() and (error := task.exception()) is not None:
            with about_run(run_id):
                logger.critical("Hosting run %s failed.", run_id, exc_info=error)
                words = f"Hosting a run failed: {type(error).__name__}: {error}"
                self.alerts.tell(Alert("host_failed", words, run_id, is_logged=True))
            self.claims.abandon(run_id)
        self.claims.end(run_id)
        if run_id in self._look_again:
            self._look_again.discard(run_id)
            self._host_if_possible(run_id)

    def deliver(self, run_id: UUID, message_type: str) -> None:
        """Put a message into the inbox of a run, if it is hosted here."""
        if (consumer := self._consumers.get(run_id)) is not None:
            consumer.inbox.put_nowait({"type": message_type})

    def _committed(self, writes: Sequence[Write]) -> None:
        for write in writes:
            if write.outcome is not None and write.outcome.kind == "written":
                self._bell.note(write.run_id, write.outcome.sequence)
                if write.is_progress:
                    self.claims.end_trial(write.run_id)

    def _spawn(self, coroutine: Any, name: str | None = None) -> asyncio.Task[None]:
        return self._running_on().create_task(coroutine, name=name, context=self._context.copy())

    def _running_on(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            raise RuntimeError("The host was not started.")
        return self._loop

    # Its services

    async def _listen_for_ever(self) -> None:
        """Hear what other processes have to say to the runs hosted here: one layer channel for all of them."""
        async for message in doorbell.messages(doorbell.host_group(self.id)):
            if message["do"] == TAKE:
                self._host_if_possible(UUID(message["run"]))
            else:
                self.deliver(UUID(message["run"]), message["do"])

    async def read(self, work: Callable[[], T]) -> T:
        """Run a short query in the host's reader thread, on its own connection."""
        return await self._running_on().run_in_executor(self._reader, work)


def _catalog() -> Callable[[str], ModelProvider]:
    from runs.agent.providers.catalog import provider_for  # Here: a host with its own models needs none of these.

    return provider_for
