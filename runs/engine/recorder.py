"""Thoughts into steps: the engine's journal of one run over one claim."""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from runs.agent.calling import REPEATABLE
from runs.agent.journal import CallChange, Entry, JournalClosed
from runs.agent.messages import Delta
from runs.agent.redaction import PieceRedactor, Redactor
from runs.agent.state import AgentStatus
from runs.agent.tasks import to_its_end
from runs.agent.thoughts import AgentThought, ThoughtType
from runs.agent.unfinished import Why, is_unfinished
from runs.engine.alerts import Alert, Alerts
from runs.engine.columns import call_columns, call_update, step_columns
from runs.engine.crashpoints import crashpoint
from runs.engine.deltas import RunStream
from runs.engine.leases import Hold
from runs.engine.open_replies import OpenReplies
from runs.engine.proof import Totals
from runs.engine.prose import html_in_time, html_of, is_prose, takes_long
from runs.engine.rows import as_text
from runs.engine.side_by_side import SideBySide
from runs.engine.stops import Doing
from runs.engine.writer import Writer
from runs.engine.writes import Write

_WHY_LEFT: dict[str, Why] = {"cancelled": "stopped", "waiting": "paused", "idle": "suspended"}
"""Why a reply is not finished that is open when its run is let go of, by the status the run has then."""


class Recorder:
    """The journal of a hosted run. Entries become durable in the order they are recorded."""

    def __init__(
        self,
        writer: Writer,
        run_id: UUID,
        epoch: int,
        *,
        open_calls: dict[str, CallChange] | None = None,
        side_by_side: SideBySide | None = None,
        redactor: Redactor | None = None,
        alerts: Alerts | None = None,
        hold: Hold | None = None,
        on_stop_asked: Callable[[], None] | None = None,
        may_go_on: bool = True,
    ) -> None:
        """`redactor` hides the secrets it knows in everything recorded; `alerts` is told of what is critical.

        `side_by_side`: the calls of the turn an earlier claim left, if it has several.
        `hold`: how sure the host can be of the run; None where nobody else can take it. `on_stop_asked` is called when
        a call may not start because somebody has asked to stop the run. `may_go_on`: as of `OpenReplies`.
        """
        self._writer = writer
        self._redactor = redactor or Redactor()
        self._pieces = PieceRedactor(self._redactor)
        self._alerts = alerts
        self._told: set[tuple[str, ...]] = set()
        """What was told of this claim, by fingerprint."""
        self._hold = hold
        self._on_stop_asked = on_stop_asked
        self.run_id = run_id
        self.epoch = epoch
        self.stream: RunStream | None = None
        """Who shows the pieces of a reply, under the card's full name: `epoch-turn-attempt-lane`."""
        self.replies = OpenReplies(self._redactor, may_go_on=may_go_on)
        """What was said of replies that have not ended."""
        self._html: dict[str, str] = {}
        """What of it was rendered for the last write, by text."""
        self.doing = Doing()
        """What the run does at this moment, for the proof of a stop."""
        self._side_by_side = side_by_side or SideBySide()
        self._last: Write | None = None
        self._active_since = time.monotonic()
        self.open_calls = open_calls or {}
        """Calls that are recorded and have no result yet, by call id; at first those of an earlier claim."""
        self.has_left = False
        """True once the write that lets go of the run is queued: nothing can follow it."""
        self.between_turns = asyncio.Event()
        """Set while no tool runs: a safe point to stop at."""
        if not self.open_calls:
            self.between_turns.set()

    async def record(self, entry: Entry) -> None:
        """Queue the entry as one write. Raises `JournalClosed` if the run is no longer this host's.

        A cancellation meanwhile rises when the entry is queued: a reply that has come is kept, with what it cost.
        """
        self._check(self._last)
        if self.has_left:
            raise JournalClosed(f"Run {self.run_id} has ended; nothing can be added to it.")
        unfinished = self._unfinished_by(entry)
        if takes_long([*unfinished, *entry.thoughts]):
            await to_its_end(self._queue(entry, unfinished))
        else:
            await self._queue(entry, unfinished)

    def _unfinished_by(self, entry: Entry) -> list[AgentThought]:
        """What was said of the replies that the entry ends, in thoughts that come before its own."""
        unfinished = self.replies.ended_by(entry.thoughts)
        if entry.status is AgentStatus.FAILED:
            at_a_limit = entry.error is not None and entry.error.code.startswith("limit_")
            unfinished += self.replies.leave("limit" if at_a_limit else "attempt_failed")
        return unfinished

    async def _queue(self, entry: Entry, unfinished: list[AgentThought]) -> None:
        if any(change.state in ("succeeded", "failed", "unknown") for change in entry.calls):
            crashpoint("call_executed")
        steps = [await self._step(thought) for thought in entry.thoughts]
        self._side_by_side.note(entry.thoughts, steps, entry.calls)
        if steps and entry.replay is not None:
            steps[0]["replay"] = self._redactor.value(entry.replay)
        steps = [*[await self._step(thought) for thought in unfinished], *steps]
        write = Write(run_id=self.run_id, epoch=self.epoch, steps=steps, tokens=entry.tokens)
        write.cost, write.cost_is_partial = entry.cost, entry.cost_is_partial
        write.usage_is_estimated = entry.usage_is_estimated
        self._note_calls(entry, write)
        self.doing.note(entry)
        if entry.status is not None:
            self._note_status(entry.status, entry, write)
        self._end_cards([*unfinished, *entry.thoughts])
        self._submit(write)

    async def start(self, change: CallChange) -> None:
        """Record that a call starts, and return when that is durable. Raises `JournalClosed`.

        It does not return if somebody has asked to stop the run: that is looked up in the same transaction.
        """
        before = self.open_calls.get(change.call.call_id)
        await self.record(Entry(calls=[change]))
        write = self._last
        await self.durable()
        if write is not None and write.outcome is not None and write.outcome.kind == "stop_asked":
            self.open_calls[change.call.call_id] = before or replace(change, state="proposed")
            if self._on_stop_asked is not None:
                self._on_stop_asked()
            await asyncio.Event().wait()

    def show(self, card: str, delta: Delta) -> None:
        """Pass a piece of a reply on to the viewers, if anybody streams them."""
        self.doing.is_replying = True
        self.replies.hear(card, delta)
        if self.stream is not None and delta.text:
            text = self._pieces.next(f"{card} {delta.kind}", delta.text)
            if text:
                self.stream.show(f"{self.epoch}-{card}", delta._replace(text=text))

    def leave(
        self,
        status: str,
        *,
        waiting_for: str = "",
        notes: list[AgentThought],
        calls: list[CallChange] | None = None,
        closing: Callable[[Totals], AgentThought] | None = None,
        **fields: Any,
    ) -> None:
        """Queue the last write of this claim: the run gets `status` and no owner. Never raises.

        `closing` makes the last note, in the transaction of the write, of what the run has used by then.
        """
        steps = [self._plain_step(note) for note in notes]
        self._side_by_side.note(notes, steps, calls or [])
        unfinished = self.replies.leave(_WHY_LEFT.get(status, "attempt_failed"))
        steps = [*map(self._unfinished_step, unfinished), *steps]
        self._end_cards(unfinished)
        write = Write(
            run_id=self.run_id,
            epoch=self.epoch,
            steps=steps,
            calls=[call_update(change) for change in calls or []],
            status=status,
            waiting_for=waiting_for,
            leaves=True,
            fields=fields,
            closing=None if closing is None else lambda totals: self._plain_step(closing(totals)),
        )
        self.has_left = True
        self._submit(write)

    async def render_unfinished(self) -> None:
        """Render what was said of open replies, for the write that lets go of the run: that cannot wait for it."""
        self._html = {text: await html_in_time(text) for text in self.replies.texts()}

    def _unfinished_step(self, thought: AgentThought) -> dict[str, Any]:
        step = self._plain_step(thought)
        step["html"] = self._html.get(step["content"], "")
        return step

    async def durable(self) -> None:
        """Return when everything recorded so far is committed, and something may begin. Raises `JournalClosed`.

        It does not return while the host cannot know whether the run is still its own.
        """
        await self.written()
        if self._hold is not None and not self.has_left:
            await self._hold.is_sure()

    async def written(self) -> None:
        """Return when everything recorded so far is committed. Raises `JournalClosed` if it was refused."""
        last = self._last
        if last is not None and last.outcome is None:
            if last.waiter is None:
                last.waiter = asyncio.get_running_loop().create_future()
            # Shielded: two may wait for one write, and a cancelled one must not cancel the other's wait.
            await asyncio.shield(last.waiter)
        # What was recorded meanwhile says nothing yet: what this call waited for is what may have been refused.
        self._check(last)

    def _check(self, write: Write | None) -> None:
        """Raise `JournalClosed` if the write was refused, and with it all that follow."""
        outcome = write.outcome if write is not None else None
        if outcome is None or outcome.kind in ("written", "stop_asked"):
            return
        if outcome.kind == "fenced":
            raise JournalClosed(f"Run {self.run_id} is hosted elsewhere: epoch {self.epoch} is over.")
        raise JournalClosed(f"Run {self.run_id} could not be stored: {outcome.error}") from outcome.error

    def _submit(self, write: Write) -> None:
        now = time.monotonic()
        write.active_ms = int((now - self._active_since) * 1000)
        # Only whole milliseconds are added, so the rest is carried over rather than lost.
        self._active_since += write.active_ms / 1000
        self._last = write
        self._writer.submit(write)

    async def _step(self, thought: AgentThought) -> dict[str, Any]:
        step = self._plain_step(thought)
        if is_prose(thought):
            step["html"] = await html_of(step["content"])
        return step

    def _plain_step(self, thought: AgentThought) -> dict[str, Any]:
        step = step_columns(thought, epoch=self.epoch, redactor=self._redactor)
        if step.get("severity") == "critical" and self._alerts is not None:
            alert = _alert(self.run_id, step)
            # A failed attempt and the end of the run may be one trouble.
            if alert.fingerprint not in self._told:
                self._told.add(alert.fingerprint)
                self._alerts.tell(alert)
        return step

    def _end_cards(self, thoughts: Iterable[AgentThought]) -> None:
        for thought in thoughts:
            card = thought.metadata.get("card")
            if self.stream is None or card is None:
                continue
            # A failed attempt, a race and an unfinished reply end cards of their own; any other reply decides the turn,
            # and with it every lane.
            whole_turn = thought.type not in (ThoughtType.RETRY, ThoughtType.RACE) and not is_unfinished(thought)
            for each in thought.metadata.get("cards") or [card]:
                self.stream.end(f"{self.epoch}-{each}", whole_turn=whole_turn)

    def _note_calls(self, entry: Entry, write: Write) -> None:
        for change in entry.calls:
            if change.state in ("succeeded", "failed"):
                self.open_calls.pop(change.call.call_id, None)
            else:
                self.open_calls[change.call.call_id] = change
            if change.is_new:
                write.new_calls.append(call_columns(change, redactor=self._redactor))
            else:
                write.calls.append(call_update(change))
                write.starts_call = write.starts_call or (change.state == "started" and change.effect not in REPEATABLE)
        if entry.calls and self.open_calls:
            self.between_turns.clear()
        elif not self.open_calls:
            self.between_turns.set()

    def _note_status(self, status: AgentStatus, entry: Entry, write: Write) -> None:
        write.status = status.value
        write.waiting_for = entry.parks or ("retry" if status is AgentStatus.WAITING else "")
        if entry.parks is not None:
            write.leaves = self.has_left = True
        if not status.is_final:
            return
        write.leaves = self.has_left = True
        write.fields = {"ended_at": datetime.now(UTC), "pause_requested_at": None}
        if status is AgentStatus.COMPLETED:
            write.fields["answer"] = as_text(write.steps[-1]["content"])
            write.fields["output"] = self._redactor.value(entry.output)
        elif entry.error is not None:
            error = self._redactor.value(entry.error.as_json())
            write.fields |= {"error": error, "severity": entry.error.severity.value}


def _alert(run_id: UUID, step: dict[str, Any]) -> Alert:
    metadata = step["metadata"]
    context = metadata.get("context") or {}
    who = [step.get(name) or context.get(name) for name in ("provider", "model", "tool_name")]
    about = tuple(str(each) for each in who if each)
    action = str(step.get("suggested_action") or "")
    code = str(metadata.get("code") or "unexpected")
    # The end of a run by a bug was logged where its traceback was at hand (`runs.agent.outcome`).
    is_logged = code == "unexpected" and step["kind"] == ThoughtType.ERROR.value
    return Alert(code, step["content"], run_id, about, action, is_logged=is_logged)
