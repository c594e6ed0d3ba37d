"""The Channels consumer that executes a run.

One instance per run. The loop is a child task, because a consumer handles its messages one at a time: awaited in a
handler, the loop would keep the consumer deaf to `run.cancel`.
"""

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from uuid import UUID

from channels.consumer import AsyncConsumer, get_handler_name
from channels.exceptions import StopConsumer

from runs.agent.current_run import begin_work_on
from runs.agent.journal import JournalClosed
from runs.agent.pausing import Paused, PauseWish
from runs.agent.resilience.waits import Waits
from runs.agent.tasks import to_its_end
from runs.engine import endings
from runs.engine.endings import StopReason
from runs.engine.lease import Claim
from runs.engine.leases import Hold
from runs.engine.recorder import Recorder
from runs.engine.side_by_side import SideBySide, told_of_last_turn
from runs.engine.work import Work

if TYPE_CHECKING:
    from runs.engine.host import RunHost

logger = logging.getLogger(__name__)

SUSPEND_GRACE_S = 5.0
"""How long calls in flight get to end and be recorded when the host stops."""
PAUSE_GRACE_S = 10.0
"""How long a pause waits for a reply to begin. One that has begun is paid for, and is waited for to its end."""
LOOK_EVERY_S = 0.1
"""How often a pause that was asked for looks whether there is anything to wait for."""


class AgentRunConsumer(AsyncConsumer):  # type: ignore[misc]  # Channels is untyped.
    """Hosts one run: claims it, works on it, and hears `run.cancel`, `run.pause`, `run.suspend` … meanwhile."""

    channel_layer_alias = "none: the host listens for all its runs"

    def __init__(self, host: "RunHost", run_id: UUID) -> None:
        self.host = host
        self.run_id = run_id
        self.inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.recorder: Recorder | None = None
        self.waits = Waits()
        self.pause = PauseWish()
        self._pausing: asyncio.Task[None] | None = None
        self._child: asyncio.Task[None] | None = None
        self._reason: StopReason | None = None

    async def host_run(self) -> None:
        """Claim the run and work on it until it ends or is let go of. Returns when nothing is left to do."""
        begin_work_on(self.run_id)
        self.inbox.put_nowait({"type": "run.start"})
        try:
            await self({"type": "agentsite.run", "run_id": self.run_id}, self.inbox.get, self._no_reply)
        finally:
            tasks = [task for task in (self._child, self._pausing) if task is not None and not task.done()]
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks)

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Call the handler. Channels would first close old connections in a thread; this consumer has none."""
        await getattr(self, get_handler_name(message))(message)

    # The inbox

    async def run_start(self, _message: dict[str, Any]) -> None:
        """Begin."""
        self._child = asyncio.get_running_loop().create_task(self._work())
        self._child.add_done_callback(lambda _: self.inbox.put_nowait({"type": "run.ended"}))

    async def run_cancel(self, _message: dict[str, Any]) -> None:
        """Stop the run for good. Asking twice changes nothing."""
        self._stop("cancel")

    async def run_pause(self, _message: dict[str, Any]) -> None:
        """Park the run at its next safe point, until somebody resumes it. Asking twice changes nothing."""
        self.pause.ask()
        if self._pausing is None:
            self._pausing = asyncio.get_running_loop().create_task(self._hurry())

    async def _hurry(self) -> None:
        """Cut short what a pause need not wait for: the wait for an attempt, and a reply that does not even begin."""
        loop = asyncio.get_running_loop()
        patient_until = loop.time() + PAUSE_GRACE_S
        while self._reason is None:
            recorder = self.recorder
            if recorder is not None and recorder.between_turns.is_set() and not recorder.has_left:
                doing = recorder.doing
                if doing.is_waiting or (loop.time() > patient_until and not doing.is_replying):
                    self._stop("pause")
            await asyncio.sleep(LOOK_EVERY_S)

    async def run_suspend(self, _message: dict[str, Any]) -> None:
        """Let go of the run at its next safe point, so that another host can go on with it."""
        recorder = self.recorder
        if recorder is not None and self._reason is None:
            try:
                async with asyncio.timeout(SUSPEND_GRACE_S):
                    await recorder.between_turns.wait()
            except TimeoutError:
                logger.info("Run %s: calls still run after %g s, they are stopped.", self.run_id, SUSPEND_GRACE_S)
        self._stop("suspend")

    async def run_try_now(self, _message: dict[str, Any]) -> None:
        """Make the next attempt now. Nothing happens if the run does not wait for one (any more)."""
        self.waits.try_now()

    async def run_stop_retrying(self, _message: dict[str, Any]) -> None:
        """Make no further attempt. Nothing happens if the run does not wait for one (any more)."""
        self.waits.stop_retrying()

    async def run_lost(self, _message: dict[str, Any]) -> None:
        """Another host has it: stop, and write nothing. One that has just ended here is nobody's, and that is right."""
        if self.recorder is not None and self.recorder.has_left:
            return
        logger.warning("Run %s was taken over by another host: its lease had run out.", self.run_id)
        self._stop("lost")

    async def run_ended(self, _message: dict[str, Any]) -> None:
        """The child is done: so is this consumer."""
        child = self._child
        if child is not None and not child.cancelled() and (error := child.exception()) is not None:
            logger.error("Run %s: its host task failed.", self.run_id, exc_info=error)
            self.host.claims.abandon(self.run_id)
        raise StopConsumer

    def _stop(self, reason: StopReason) -> None:
        """Cancel the child, once, for a reason that is known before the cancellation arrives."""
        if self._child is None or self._child.done():
            return
        if self._reason is not None:
            # A person's stop outweighs the host's leaving, as long as nothing is written yet.
            self._reason = "cancel" if reason == "cancel" else self._reason
            return
        self._reason = reason
        self._child.cancel()

    async def _no_reply(self, _message: dict[str, Any]) -> None:
        """Nobody is at the other end of a run's consumer."""

    # The child

    async def _work(self) -> None:
        claimed = await self._claim()
        if claimed is None:
            return
        run_claim, hold = claimed
        self.recorder = recorder = Recorder(
            self.host.writer,
            self.run_id,
            run_claim.run.epoch,
            open_calls=endings.open_calls(run_claim),
            side_by_side=SideBySide(told_of_last_turn(run_claim.calls, run_claim.steps)),
            redactor=self.host.redactor,
            alerts=self.host.alerts,
            hold=hold,
            on_stop_asked=lambda: self._stop("cancel"),
            # Half of a JSON object and the rest of it in another reply are no JSON object.
            may_go_on=run_claim.run.config.get("output_schema") is None,
        )
        stream = recorder.stream = self.host.deltas.open(self.run_id)
        try:
            await self._work_on(run_claim, recorder)
        finally:
            stream.close()

    async def _work_on(self, run_claim: Claim, recorder: Recorder) -> None:
        try:
            if self._reason is not None:
                endings.stopped(recorder, self._reason)
            elif not await endings.ended_before_it_began(run_claim, recorder):
                await Work(run_claim, recorder, self.host, waits=self.waits, pause=self.pause).do()
        except Paused:
            # Whatever else was asked for meanwhile outweighs it.
            await self._let_go(recorder, "pause")
        except asyncio.CancelledError:
            # The reason is set before the cancel; without one the process is being torn down, as in a suspend.
            await self._let_go(recorder, "suspend")
        except JournalClosed as closed:
            self._give_up(closed)
            return
        await self._until_durable(recorder)

    async def _let_go(self, recorder: Recorder, otherwise: StopReason) -> None:
        """Queue the last write, whatever cancels us meanwhile, for the reason there is by then."""
        with suppress(asyncio.CancelledError):
            await to_its_end(recorder.render_unfinished())
        endings.stopped(recorder, self._reason or otherwise)

    async def _claim(self) -> tuple[Claim, Hold | None] | None:
        """Claim the run. A cancellation waits for the answer: a claim that was made must be worked on or let go of."""
        claiming = asyncio.ensure_future(self.host.claims.claim(self.run_id))
        while not claiming.done():
            try:
                await asyncio.shield(claiming)
            except asyncio.CancelledError:
                self._reason = self._reason or "suspend"
        return claiming.result()

    async def _until_durable(self, recorder: Recorder) -> None:
        """Wait for the last write whatever cancels us meanwhile: it is queued and will be committed."""
        waiting = asyncio.ensure_future(recorder.written())
        while not waiting.done():
            try:
                await asyncio.wait([waiting])
            except asyncio.CancelledError:
                continue
        if isinstance(closed := waiting.exception(), JournalClosed):
            self._give_up(closed)

    def _give_up(self, closed: JournalClosed) -> None:
        logger.warning("%s", closed)
        if closed.__cause__ is not None:  # Not taken over, but not storable: queue it again when that is possible.
            self.host.claims.abandon(self.run_id)
