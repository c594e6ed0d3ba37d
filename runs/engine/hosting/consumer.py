"""The Channels consumer that executes a run.

One instance per run. The loop is a child task, because a consumer handles its messages one at a time: awaited in a
handler, the loop would delay `run.cancel` until its end.
"""

import asyncio
import logging
from contextlib import suppress
from functools import partial
from uuid import UUID

from channels.consumer import AsyncConsumer, get_handler_name
from channels.exceptions import StopConsumer
from django.db import DatabaseError, InterfaceError

from runs.agent.concurrency.tasks import run_to_completion
from runs.agent.errors.exception_text import for_log
from runs.agent.errors.exceptions import JournalClosed
from runs.agent.interrupts import MessageSignal, Paused, PauseRequest
from runs.agent.log_context import bind_run_context
from runs.agent.model_calls.interruptible_sleep import InterruptibleSleep
from runs.asgi_types import Message
from runs.engine.control.tree_wakes import after_leaving
from runs.engine.hosting import claim_endings, claim_queries
from runs.engine.hosting.claim_endings import StopReason
from runs.engine.hosting.claim_queries import Claim
from runs.engine.hosting.lease_renewal import Lease
from runs.engine.hosting.run_execution import RunExecution
from runs.engine.hosting.services import HostServices
from runs.engine.recording.parallel_calls import ParallelCalls, parallel_calls_of_last_turn
from runs.engine.recording.recorder import Recorder

logger = logging.getLogger(__name__)


class AgentRunConsumer(AsyncConsumer):  # type: ignore[misc]  # Channels is untyped.
    """Hosts one run: claims it, executes it, and handles `run.cancel`, `run.pause`, `run.suspend` … meanwhile."""

    channel_layer_alias = "none: the host listens for all its runs"

    def __init__(self, services: HostServices, run_id: UUID) -> None:
        self.services = services
        self.run_id = run_id
        self.inbox: asyncio.Queue[Message] = asyncio.Queue()
        self.recorder: Recorder | None = None
        self.claim_settled = asyncio.Event()
        """Set once the run is claimed, or cannot be."""
        self.sleep = InterruptibleSleep()
        self.pause = PauseRequest()
        self.signal = MessageSignal()
        self._pausing: asyncio.Task[None] | None = None
        self._suspending: asyncio.Task[None] | None = None
        self._child: asyncio.Task[None] | None = None
        self._reason: StopReason | None = None

    async def host_run(self) -> None:
        """Claim the run and work on it until it ends or is released."""
        bind_run_context(self.run_id)
        self.inbox.put_nowait({"type": "run.start"})
        try:
            await self({"type": "agentsite.run", "run_id": self.run_id}, self.inbox.get, self._no_reply)
        finally:
            ours = (self._child, self._pausing, self._suspending)
            tasks = [task for task in ours if task is not None and not task.done()]
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks)

    async def dispatch(self, message: Message) -> None:
        """Call the handler. Channels would first close old connections in a thread; this consumer has none."""
        await getattr(self, get_handler_name(message))(message)

    # The inbox

    async def run_start(self, _message: Message) -> None:
        """Start the child task that claims the run and works on it."""
        self._child = asyncio.get_running_loop().create_task(self._work())
        self._child.add_done_callback(lambda _: self.inbox.put_nowait({"type": "run.ended"}))

    async def run_cancel(self, _message: Message) -> None:
        """Stop the run for good. A second message changes nothing."""
        self._stop("cancel")

    async def run_pause(self, _message: Message) -> None:
        """Park the run at its next safe point until a person resumes it. A second message changes nothing."""
        self.pause.make()
        if self._pausing is None:
            self._pausing = asyncio.get_running_loop().create_task(self._hurry())

    async def run_go_on(self, _message: Message) -> None:
        """Go on without the pause that was asked for. No effect if the run is leaving for it: it is queued then."""
        self.pause.take_back()
        if self._pausing is not None:
            self._pausing.cancel()
            self._pausing = None

    async def _hurry(self) -> None:
        """Interrupt what a pause need not wait for: the wait before an attempt, and a reply that has not begun in
        time."""
        loop = asyncio.get_running_loop()
        patient_until = loop.time() + self.services.timings.pause_grace_s
        while self._reason is None:
            recorder = self.recorder
            if recorder is not None and recorder.between_turns.is_set() and not recorder.has_left:
                activity = recorder.activity
                if activity.is_waiting or (loop.time() > patient_until and not activity.is_replying):
                    self._stop("pause")
            await asyncio.sleep(self.services.timings.pause_look_every_s)

    async def run_hear(self, _message: Message) -> None:
        """Let the run read a person's message before its next reply."""
        self.signal.hear()

    async def run_interrupt(self, _message: Message) -> None:
        """The same, and end the reply in progress for it. No effect on one that was asked for after the message was
        read: this may come late."""
        known = self.signal.times_read
        try:
            is_asked = await self.services.read(partial(claim_queries.interrupt_is_asked, self.run_id))
        except (DatabaseError, InterfaceError) as away:
            logger.warning("Run %s: a message that interrupts it could not be looked up: %s", self.run_id, away)
            return
        if is_asked and known == self.signal.times_read:
            self.signal.interrupt()

    async def run_suspend(self, _message: Message) -> None:
        """Release the run at its next safe point, so that another host can continue it. A second message changes
        nothing."""
        if self._suspending is None:
            # Not here: the inbox would hear neither of a stop meanwhile nor of the end of a run that parks.
            self._suspending = asyncio.get_running_loop().create_task(self._suspend())

    async def _suspend(self) -> None:
        recorder = self.recorder
        grace_s = self.services.timings.suspend_grace_s
        if recorder is not None and self._reason is None:
            try:
                async with asyncio.timeout(grace_s):
                    await recorder.between_turns.wait()
            except TimeoutError:
                logger.info("Run %s: calls still run after %g s, they are stopped.", self.run_id, grace_s)
        self._stop("suspend")

    async def run_try_now(self, _message: Message) -> None:
        """Make the next attempt now. No effect if the run does not wait for an attempt."""
        self.sleep.try_now()

    async def run_stop_retrying(self, _message: Message) -> None:
        """Make no further attempt. No effect if the run does not wait for an attempt."""
        self.sleep.stop_retrying()

    async def run_lost(self, _message: Message) -> None:
        """Stop without a write: another host has the run. A run that has just left this host has no owner, which is
        right."""
        if self.recorder is not None and self.recorder.has_left:
            return
        logger.warning("Run %s was taken over by another host: its lease had run out.", self.run_id)
        self._stop("lost")

    async def run_ended(self, _message: Message) -> None:
        """End this consumer after its child task."""
        child = self._child
        if child is not None and not child.cancelled() and (error := child.exception()) is not None:
            logger.error("Run %s: its host task failed.", self.run_id, exc_info=for_log(error))
            self.services.claimer.abandon(self.run_id)
        raise StopConsumer

    def _stop(self, reason: StopReason) -> None:
        """Cancel the child once, unless it has queued its last write. The reason is set before the cancellation
        arrives."""
        has_left = self.recorder is not None and self.recorder.has_left
        if self._child is None or self._child.done() or has_left:
            return
        if self._reason is not None:
            # A person's stop outweighs the host's suspend, as long as nothing is written yet.
            self._reason = "cancel" if reason == "cancel" else self._reason
            return
        self._reason = reason
        self.sleep.stop()
        self._child.cancel()

    async def _no_reply(self, _message: Message) -> None:
        """Required by the ASGI interface: a run's consumer has no client to reply to."""

    # The child

    async def _work(self) -> None:
        try:
            claimed = await self._claim()
        finally:
            self.claim_settled.set()
        if claimed is None:
            return
        run_claim, lease = claimed
        if run_claim.run.queued_messages:
            self.signal.hear()
        self.recorder = recorder = Recorder(
            self.services.writer,
            self.run_id,
            run_claim.run.epoch,
            open_calls=claim_endings.open_calls(run_claim),
            parallel_calls=ParallelCalls(parallel_calls_of_last_turn(run_claim.calls, run_claim.steps)),
            redactor=self.services.redactor,
            alerts=self.services.alerts,
            until_sure=None if lease is None else lease.until_sure,
            on_stop_asked=lambda: self._stop("cancel"),
            # Structured output cannot be continued: half a JSON object and the rest in another reply do not parse.
            may_go_on=run_claim.run.config.get("output_schema") is None,
            signal=self.signal,
        )
        stream = recorder.stream = self.services.reply_streams.open(self.run_id)
        try:
            await self._work_on(run_claim, recorder)
        finally:
            stream.close()

    async def _work_on(self, run_claim: Claim, recorder: Recorder) -> None:
        try:
            if self._reason is not None:
                claim_endings.stopped(recorder, self._reason)
            elif not await claim_endings.ended_before_it_began(run_claim, recorder):
                await RunExecution(run_claim, recorder, self.services, sleep=self.sleep, pause=self.pause).run()
        except Paused:
            # A stop reason that was set meanwhile outweighs the pause.
            await self._let_go(recorder, "pause")
        except asyncio.CancelledError:
            # The reason is set before the cancel; without one the process is being torn down, as in a suspend.
            await self._let_go(recorder, "suspend")
        except JournalClosed as closed:
            self._give_up(closed)
            return
        await self._until_durable(recorder)
        await self._wake_others(run_claim, recorder)

    async def _let_go(self, recorder: Recorder, otherwise: StopReason) -> None:
        """Queue the last write even if this task is cancelled, for `_reason` or else `otherwise`."""
        with suppress(asyncio.CancelledError):
            await run_to_completion(recorder.render_unfinished(self.services.timings.unfinished_html_limit_s))
        claim_endings.stopped(recorder, self._reason or otherwise)

    async def _claim(self) -> tuple[Claim, Lease | None] | None:
        """Claim the run. A cancellation waits for the result: a run that was claimed must be worked on or released."""
        claiming = asyncio.ensure_future(self.services.claimer.claim(self.run_id))
        while not claiming.done():
            try:
                await asyncio.shield(claiming)
            except asyncio.CancelledError:
                self._reason = self._reason or "suspend"
        return claiming.result()

    async def _until_durable(self, recorder: Recorder) -> None:
        """Wait for the last write through cancellations: it is queued and will be committed."""
        waiting = asyncio.ensure_future(recorder.written())
        while not waiting.done():
            try:
                await asyncio.wait([waiting])
            except asyncio.CancelledError:
                continue
        if isinstance(closed := waiting.exception(), JournalClosed):
            self._give_up(closed)

    async def _wake_others(self, run_claim: Claim, recorder: Recorder) -> None:
        """If the run waits for its child runs, or is one, let the run go on that waits no more. The sweep does it if
        this process cannot."""
        run = run_claim.run
        if recorder.has_left and (recorder.awaits_child or run.parent_call_id is not None):
            try:
                await self.services.read(partial(after_leaving, run.pk, run.parent_call_id))
            except (DatabaseError, InterfaceError) as away:
                logger.warning("Run %s: the run that waits for it could not be woken: %s", run.pk, away)

    def _give_up(self, closed: JournalClosed) -> None:
        logger.warning("%s", closed)
        if closed.__cause__ is not None:  # Not taken over, but not storable: queue it again when that is possible.
            self.services.claimer.abandon(self.run_id)
