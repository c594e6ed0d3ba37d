"""Many runs in one process: who is hosted here, who could be, and how they all leave."""

import asyncio
import contextvars
import logging
import uuid
from collections.abc import Awaitable, Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, connection

from runs import doorbell
from runs.agent.messages import ModelProvider
from runs.agent.redaction import Redactor, secrets_in
from runs.agent.resilience.shared import SHARED, Shared
from runs.engine import lease
from runs.engine.alerts import Alert, Alerts
from runs.engine.batch import Write
from runs.engine.bell import Bell
from runs.engine.consumer import AgentRunConsumer
from runs.engine.deltas import Deltas
from runs.engine.dispatch import set_host
from runs.engine.spending import Days
from runs.engine.writer import Writer

logger = logging.getLogger(__name__)

T = TypeVar("T")

SWEEP_EVERY_S = 1.0
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
        self.id = f"host-{uuid.uuid4().hex}"
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
        self._sweep_every_s = sweep_every_s
        self._only = only
        self.deltas = Deltas()
        self._bell = Bell()
        self._consumers: dict[UUID, AgentRunConsumer] = {}
        self._tasks: dict[UUID, asyncio.Task[None]] = {}
        self._look_again: set[UUID] = set()
        self._abandoned: set[UUID] = set()
        self._services: list[asyncio.Task[None]] = []
        self._context = contextvars.Context()
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="agentsite-host")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._draining = False
        self._swept = asyncio.Event()
        self._on_trial: UUID | None = None
        self._trial_over = asyncio.Event()

    # Its life

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to host, on `loop`, which need not run yet. The first sweep claims what an earlier boot left behind."""
        self._loop = loop
        self.writer.start(loop)
        doorbell.set_home(loop)
        set_host(self)
        services = (
            self._sweep_for_ever,
            self._bell.ring_for_ever,
            self.deltas.send_for_ever,
            self._listen_for_ever,
        )
        self._services += [self._spawn(self._keep_up(service)) for service in services]

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
            for task in late:
                logger.warning("%s did not leave in %g s.", task.get_name(), limit_s)
                task.cancel()
        await self.writer.stop()
        await self._bell.ring_now()
        for service in self._services:
            service.cancel()
        await asyncio.gather(*self._services, return_exceptions=True)
        await self.read(_close_connection)
        await self.read(partial(self.alerts.flush, ALERTS_LIMIT_S))
        self._reader.shutdown()
        doorbell.set_home(None)

    # From any thread

    def submit(self, run_id: UUID) -> None:
        """Ask for a run to be hosted. A hint: the sweep finds what a lost one was about."""
        self._call(self._host, run_id)

    def tell(self, run_id: UUID, message_type: str) -> None:
        """Put a message (`run.cancel`, `run.try_now`, …) into the inbox of a run hosted here."""
        self._call(self._deliver, run_id, message_type)

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

    async def claim(self, run_id: UUID) -> lease.Claim | None:
        """Claim a run for this host."""
        claim = await self.writer.do(lambda: lease.claim(run_id, self.id))
        if claim is not None:
            # Its status has changed, and its first step may take a model's whole reply to come.
            self._bell.note(run_id, claim.run.last_sequence)
            if claim.run.crashes >= 2:
                self._on_trial = run_id
        return claim

    def abandon(self, run_id: UUID) -> None:
        """Remember a run that could not be stored or worked on, so that a sweep queues it again."""
        self._abandoned.add(run_id)

    async def idle(self) -> None:
        """Return when nothing is hosted and nothing claimable was found since the call. For commands and tests."""
        while True:
            self._swept.clear()
            await self._swept.wait()
            if not self._tasks:
                return
            await asyncio.wait(list(self._tasks.values()))

    def _host(self, run_id: UUID) -> None:
        if self._draining or len(self._tasks) >= self.capacity:
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
        del self._consumers[run_id], self._tasks[run_id]
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("Hosting run %s failed.", run_id, exc_info=error)
            self.alerts.tell(Alert("host_failed", f"Hosting a run failed: {type(error).__name__}: {error}", run_id))
            self.abandon(run_id)
        self._end_trial(run_id)
        if run_id in self._look_again:
            self._look_again.discard(run_id)
            self._host(run_id)

    def _deliver(self, run_id: UUID, message_type: str) -> None:
        if (consumer := self._consumers.get(run_id)) is not None:
            consumer.inbox.put_nowait({"type": message_type})

    def _committed(self, writes: Sequence[Write]) -> None:
        for write in writes:
            if write.outcome is not None and write.outcome.kind == "written":
                self._bell.note(write.run_id, write.outcome.sequence)
                if write.is_progress:
                    self._end_trial(write.run_id)

    def _end_trial(self, run_id: UUID) -> None:
        """Let the next run that was lost twice be claimed at once, and not only by the next sweep."""
        if run_id == self._on_trial:
            self._on_trial = None
            self._trial_over.set()

    def _spawn(self, coroutine: Any, name: str | None = None) -> asyncio.Task[None]:
        return self._running_on().create_task(coroutine, name=name, context=self._context.copy())

    def _running_on(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            raise RuntimeError("The host was not started.")
        return self._loop

    # Its services

    async def _keep_up(self, service: Callable[[], Awaitable[None]]) -> None:
        """Serve, and start again after a failure nobody foresaw: without it runs would silently wait for ever."""
        while True:
            try:
                await service()
                return
            except Exception:
                logger.exception("%s failed, it is started again.", service.__qualname__)
            await asyncio.sleep(self._sweep_every_s)

    async def _sweep_for_ever(self) -> None:
        while True:
            try:
                await self._sweep()
            except DatabaseError as error:
                logger.warning("The sweep could not read the database, trying again: %s", error)
                await self.read(_close_connection)
            self._trial_over.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._trial_over.wait(), self._sweep_every_s)

    async def _sweep(self) -> None:
        """Find runs to host, and cancels somebody asked for in another process."""
        if self._draining:
            return
        for run_id in list(self._abandoned - self._tasks.keys()):
            await self.writer.do(partial(lease.release, run_id, self.id))
            self._abandoned.discard(run_id)
        claimable, asked = await self.read(
            lambda: (lease.claimable_ids(self.id, self.capacity - len(self._tasks)), lease.cancel_asked_ids(self.id))
        )
        for run_id in claimable:
            if run_id not in self._consumers:
                self._host(run_id)
        for run_id in asked:
            self._deliver(run_id, "run.cancel")
        self._swept.set()

    async def _listen_for_ever(self) -> None:
        """Hear what other processes have to say to the runs hosted here: one layer channel for all of them."""
        async for message in doorbell.messages(doorbell.host_group(self.id)):
            self._deliver(UUID(message["run"]), message["do"])

    async def read(self, work: Callable[[], T]) -> T:
        """Run a short query in the host's reader thread, on its own connection."""
        return await self._running_on().run_in_executor(self._reader, work)


def known_secrets() -> set[str]:
    """The secrets of this process: in its environment, and the site's own."""
    return secrets_in() | {settings.SECRET_KEY, settings.EMAIL_HOST_PASSWORD, settings.AGENTSITE_ALERT_WEBHOOK} - {""}


def _catalog() -> Callable[[str], ModelProvider]:
    from runs.agent.providers.catalog import provider_for  # Here: a host with its own models needs none of these.

    return provider_for


def _close_connection() -> None:
    """Close this thread's connection; `connection.close` itself would be the caller's thread's."""
    connection.close()
