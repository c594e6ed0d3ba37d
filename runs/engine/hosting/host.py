"""The host of a process: it claims runs, executes many at once, and drains at the end of the process."""

import asyncio
import logging
import os
import time
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import TypeVar
from uuid import UUID

from django.conf import settings

from runs import doorbell
from runs.agent.messages import ModelProvider
from runs.agent.model_calls.provider_health import HEALTH, HealthRegistry
from runs.agent.providers.event_streams.fair_share import give_way_when
from runs.engine.alert_rules.alert_clock import AlertClock
from runs.engine.host_timings import DEFAULT_TIMINGS, HostTimings
from runs.engine.hosting.admission_queue import AdmissionQueue
from runs.engine.hosting.claimer import Claimer
from runs.engine.hosting.crash_trials import CrashTrials
from runs.engine.hosting.host_loop import HostLoop
from runs.engine.hosting.hosted_runs import HostedRuns
from runs.engine.hosting.lease_renewal import LeaseRenewer
from runs.engine.hosting.load_balancing import LoadBalancer
from runs.engine.hosting.services import build_services
from runs.engine.hosting.supervisor import supervise
from runs.engine.hosting.sweeper import Sweeper, close_connection
from runs.engine.hosting.watchdog import Watchdog
from runs.engine.mcp.pool import close_connections
from runs.engine.operations import metrics
from runs.engine.queueing.local_host import set_host
from runs.engine.schedules.schedule_clock import ScheduleClock
from runs.engine.writing.commit_notifier import CommitNotifier
from runs.engine.writing.request_priority import REQUEST_PRIORITY
from runs.engine.writing.writer import Writer
from runs.engine.writing.writes import Write

logger = logging.getLogger(__name__)

T = TypeVar("T")

TAKE = "host.take"
"""The message to a host that shall host a run for which another host was woken."""


class RunHost:
    """The host of this process. All but `submit`, `submit_later`, `adopt`, `wake` and `tell` belongs to its loop.

    `only` names the runs it may host, with the child runs that they launch here; None means every claimable one.
    """

    def __init__(
        self,
        *,
        capacity: int = 2000,
        only: Collection[UUID] | None = None,
        provider_for: Callable[[str], ModelProvider] | None = None,
        shared: HealthRegistry = HEALTH,
        timings: HostTimings = DEFAULT_TIMINGS,
    ) -> None:
        self.id = f"host-{os.getpid()}-{uuid.uuid4().hex}"
        """This boot's id: the `owner` of the runs hosted here."""
        self.capacity = capacity
        self.timings = timings
        self._trials = CrashTrials(timings)
        self._sweeper = Sweeper(self, self._trials, timings)
        self._lease_renewer = LeaseRenewer(self, timings) if settings.IS_SCALE_OUT else None
        # A host of given runs balances no load.
        self._load_balancer = LoadBalancer(self, timings) if settings.IS_SCALE_OUT and only is None else None
        self._notifier = CommitNotifier(timings)
        writer = Writer(self._committed, timings)
        self.services = build_services(
            claimer=self._claimer(writer),
            writer=writer,
            health=shared,
            provider_for=provider_for,
            read=self.read,
            timings=timings,
        )
        self._loop = HostLoop()
        self._runs = HostedRuns(
            self._loop,
            only=only,
            services=lambda: self.services,
            room=lambda: self.room,
            on_room=self._sweeper.soon,  # A run may have waited for this place.
        )
        self._admission = AdmissionQueue(self._runs, on_room=self._sweeper.soon, timings=timings)
        self._passing: set[asyncio.Task[None]] = set()
        self._service_tasks: list[asyncio.Task[None]] = []
        self._draining = False
        # A host of given runs launches no others.
        self._schedule_clock = ScheduleClock(self, lambda: self.services.alerts, timings) if only is None else None
        self._alert_clock = AlertClock() if only is None else None
        self._watchdog = Watchdog(self.id, look_every_s=timings.watchdog_every_s)

    def _claimer(self, writer: Writer) -> Claimer:
        return Claimer(
            self.id,
            writer,
            notifier=self._notifier,
            sweeper=self._sweeper,
            lease_renewer=self._lease_renewer,
            trials=self._trials,
            timings=self.timings,
        )

    # Start and end

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to host, on `loop`, which need not run yet. The first sweep claims what an earlier boot left behind."""
        self._loop.use(loop)
        self.services.writer.start(loop)
        doorbell.set_home(loop)
        set_host(self)
        give_way_when(REQUEST_PRIORITY.has_request)
        metrics.HOSTED.set_function(lambda: self.hosted)
        services = [
            self._sweeper.sweep_for_ever,
            self._admission.admit_for_ever,
            self._notifier.ring_for_ever,
            self.services.reply_streams.send_for_ever,
            self._listen_for_ever,
            metrics.watch_loop_for_ever,
        ]
        if self._lease_renewer is not None:
            services.append(self._lease_renewer.renew_for_ever)
        if self._schedule_clock is not None:
            services.append(self._schedule_clock.run_for_ever)
        if self._alert_clock is not None:
            services.append(self._alert_clock.run_for_ever)
        if self._load_balancer is not None:
            services += [self._load_balancer.tell_for_ever, self._load_balancer.listen_for_ever]
        self._watchdog.start(loop)
        self._service_tasks += [
            self._loop.spawn(supervise(service, self.timings.service_again_after_s)) for service in services
        ]

    async def drain(self) -> None:
        """Claim nothing more, let every run stop at a safe point and go back to the queue, then stop the writer.

        A run that has not left after `drain_limit_s` is cancelled; the next boot reclaims it. A second call does
        nothing.
        """
        if self._draining:
            return
        self._draining = True
        set_host(None)
        await self._runs.leave(self.timings.drain_limit_s)
        await close_connections()
        self._watchdog.stop()
        await self.services.writer.stop()
        await self._notifier.ring_now()
        for service in self._service_tasks:
            service.cancel()
        await asyncio.gather(*self._service_tasks, return_exceptions=True)
        await self.read(close_connection)
        await self.read(partial(self.services.alerts.flush, self.timings.alerts_limit_s))
        self._loop.close()
        doorbell.set_home(None)

    # From any thread

    def submit(self, run_id: UUID) -> None:
        """Ask for a run to be hosted. A hint: the sweep finds a run whose request was lost."""
        self._loop.call(self._runs.host, run_id)

    def submit_later(self, run_ids: Sequence[UUID]) -> None:
        """The same for runs that nobody waits for: a few at a time, after the page requests in progress."""
        self._loop.call(self._admission.add, run_ids)

    def adopt(self, run_id: UUID) -> None:
        """Host this run too, if only given runs are hosted here: it is a child run of one of them."""
        self._loop.call(self._runs.adopt, run_id)

    def wake(self, run_id: UUID) -> None:
        """The same, or pass it on to a host that has less to do."""
        self._loop.call(self._host_or_pass_on, run_id)

    def tell(self, run_id: UUID, message_type: str) -> None:
        """Put a message (`run.cancel`, `run.try_now`, …) into the inbox of a run hosted here."""
        self._loop.call(self.deliver, run_id, message_type)

    # On the loop

    @property
    def hosted(self) -> int:
        """Runs hosted now."""
        return len(self._runs)

    @property
    def silent_s(self) -> float:
        """Seconds since the last finished sweep, or since the host was made."""
        return time.monotonic() - self._sweeper.ended_at

    @property
    def room(self) -> int:
        """Runs it can still take."""
        return 0 if self._draining else self.capacity - len(self._runs)

    def epochs(self) -> Mapping[UUID, int]:
        """The runs claimed and still worked on, with the epochs of their claims."""
        return self._runs.epochs()

    async def release_abandoned(self) -> None:
        """Queue the runs again that were abandoned. Raises `DatabaseError`."""
        if not self._draining:
            await self.services.claimer.release_abandoned(hosted=self._runs.ids())

    async def idle(self) -> None:
        """Return when nothing is hosted and nothing claimable was found since the call. For commands and tests."""
        while True:
            await self._sweeper.done()
            if not self._runs and not self._admission:
                return
            await self._runs.wait()

    def take(self, run_ids: Iterable[UUID]) -> None:
        """Host these runs in their turn, except those it hosts already."""
        self._admission.add(run_ids)

    def share_of(self, found: int) -> int:
        """How many of so many claimable runs this host should take, if all take theirs."""
        return found if self._load_balancer is None else self._load_balancer.share_of(found)

    def _host_or_pass_on(self, run_id: UUID) -> None:
        other = None
        if self._load_balancer is not None and run_id not in self._runs:
            other = self._load_balancer.less_loaded_host()
        if other is None:
            self._runs.host(run_id)
        else:
            passing = self._loop.spawn(doorbell.tell_host(other, run_id, TAKE))
            self._passing.add(passing)
            passing.add_done_callback(self._passing.discard, context=self._loop.context)

    def deliver(self, run_id: UUID, message_type: str) -> None:
        """Put a message into the inbox of a run, if it is hosted here."""
        self._runs.deliver(run_id, message_type)

    def _committed(self, writes: Sequence[Write]) -> None:
        for write in writes:
            if write.outcome is not None and write.outcome.kind == "written":
                self._notifier.note(write.run_id, write.outcome.sequence)
                if write.leaves and self._alert_clock is not None:
                    self._alert_clock.run_left()
                if write.outcome.is_progress:
                    self.services.claimer.end_trial(write.run_id, is_progress=True)

    # Its services

    async def _listen_for_ever(self) -> None:
        """Hear the messages of other processes to the runs hosted here and about schedules, on one channel."""
        async for message in doorbell.messages(doorbell.host_group(self.id), doorbell.SCHEDULES_GROUP):
            if message["type"] == "doorbell.schedules":
                if self._schedule_clock is not None:
                    self._schedule_clock.look_again()
            elif message["do"] == TAKE:
                self._runs.host(UUID(message["run"]))
            else:
                self.deliver(UUID(message["run"]), message["do"])

    async def read(self, work: Callable[[], T]) -> T:
        """Run a short query in the host's reader thread, on its own connection."""
        return await self._loop.read(work)
