"""The engine's journal of one run over one claim: it turns thoughts into steps."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

from runs.agent.concurrency.tasks import run_to_completion
from runs.agent.errors.codes import is_limit
from runs.agent.errors.exceptions import JournalClosed
from runs.agent.interrupts import MessageSignal
from runs.agent.journal import CallChange, Entry
from runs.agent.json_data.json_values import as_storable_json, as_storable_text
from runs.agent.messages import Delta
from runs.agent.payloads.kinds import decides_turn, ended_cards
from runs.agent.payloads.notes import Why
from runs.agent.redaction.redactor import Redactor
from runs.agent.redaction.stream_redactor import PieceRedactor
from runs.agent.state import AgentStatus
from runs.agent.thoughts import AgentThought
from runs.agent.tools.protocol import REPEATABLE
from runs.agent.unfinished_thought import text_to_go_on
from runs.engine.operations.alerts import Alerts
from runs.engine.operations.fault_points import crashpoint
from runs.engine.recording.ended_attempts import ended_attempts
from runs.engine.recording.open_calls import OpenCalls
from runs.engine.recording.open_replies import OpenReplies
from runs.engine.recording.parallel_calls import ParallelCalls
from runs.engine.recording.reply_html import html_in_time, is_prose, takes_long
from runs.engine.recording.reply_stream import ReplyStream
from runs.engine.recording.run_activity import RunActivity
from runs.engine.recording.step_alerts import StepAlerts
from runs.engine.recording.step_columns import asked_columns, call_columns, call_update, step_columns
from runs.engine.recording.write_sequence import WriteSequence
from runs.engine.writing.columns import Columns
from runs.engine.writing.writer import Writer
from runs.engine.writing.writes import Totals, Write
from runs.render_pool import html_of

_WHY_LEFT: dict[str, Why] = {"cancelled": "stopped", "waiting": "paused", "idle": "suspended"}
"""Why an open reply stays unfinished when the host releases its run, by the status of the run from then on."""


class Recorder:
    """The journal of a hosted run. Entries become durable in the order they are recorded."""

    def __init__(
        self,
        writer: Writer,
        run_id: UUID,
        epoch: int,
        *,
        open_calls: dict[str, CallChange] | None = None,
        parallel_calls: ParallelCalls | None = None,
        redactor: Redactor | None = None,
        alerts: Alerts | None = None,
        until_sure: Callable[[], Awaitable[None]] | None = None,
        on_stop_asked: Callable[[], None] | None = None,
        may_go_on: bool = True,
        signal: MessageSignal | None = None,
    ) -> None:
        """`redactor` hides the secrets it knows in everything recorded; `alerts` is told of critical steps.

        `parallel_calls`: the calls of the turn an earlier claim left, if it has several.
        `until_sure` waits until the host can be sure of the run; None where nobody else can take it. `on_stop_asked` is
        called when a call may not start because somebody has asked to stop the run. `may_go_on`: as of `OpenReplies`.
        `signal` hears of the messages to the run.
        """
        self._writes = WriteSequence(writer, run_id, epoch)
        self._redactor = redactor or Redactor()
        self._pieces = PieceRedactor(self._redactor)
        self._alerts = StepAlerts(alerts, run_id)
        self._until_sure = until_sure
        self._on_stop_asked = on_stop_asked
        self.run_id = run_id
        self.epoch = epoch
        self.stream: ReplyStream | None = None
        """Shows the pieces of a reply, under the full name of its card: `epoch-turn-attempt-lane`."""
        self.replies = OpenReplies(self._redactor, may_go_on=may_go_on)
        """The replies that have not ended, with the text that has come."""
        self._html: dict[str, str] = {}
        """Their HTML, rendered for the last write, by text."""
        self.activity = RunActivity()
        """The present activity of the run, for the report of a stop."""
        self._parallel_calls = parallel_calls or ParallelCalls()
        self._open = OpenCalls(open_calls)
        self.signal = signal or MessageSignal()
        self.has_left = False
        """True once the write that releases the run is queued: nothing can follow it."""

    @property
    def open_calls(self) -> dict[str, CallChange]:
        """Calls that are recorded and have no result yet, by call id; at first those of an earlier claim."""
        return self._open.calls

    @property
    def awaits_child(self) -> bool:
        """True if a call waits for its child run."""
        return any(change.state == "awaiting_child" for change in self.open_calls.values())

    @property
    def between_turns(self) -> asyncio.Event:
        """Set while no tool runs: a safe point to stop at."""
        return self._open.between_turns

    async def record(self, entry: Entry) -> None:
        """Queue the entry as one write. Raises `JournalClosed` if the run is no longer this host's.

        A cancellation meanwhile rises when the entry is queued: a reply that has come is kept, with what it cost.
        """
        self._check_open()
        unfinished = self._unfinished_by(entry)
        if takes_long([*unfinished, *entry.thoughts]):
            await run_to_completion(self._queue(entry, unfinished))
        else:
            await self._queue(entry, unfinished)

    def _check_open(self) -> None:
        self._writes.check()
        if self.has_left:
            raise JournalClosed(f"Run {self.run_id} has ended; nothing can be added to it.")

    def _unfinished_by(self, entry: Entry) -> list[AgentThought]:
        """The thoughts of the unfinished replies that the entry ends. They come before its own."""
        unfinished = self.replies.ended_by(entry.thoughts)
        if entry.status is AgentStatus.FAILED:
            at_a_limit = entry.error is not None and is_limit(entry.error.code)
            unfinished += self.replies.leave("limit" if at_a_limit else "attempt_failed")
        return unfinished

    async def _queue(self, entry: Entry, unfinished: list[AgentThought]) -> None:
        if any(change.state in ("succeeded", "failed", "unknown") for change in entry.calls):
            crashpoint("call_executed")
        steps = [await self._step(thought) for thought in entry.thoughts]
        self._parallel_calls.note(entry.thoughts, steps, entry.calls)
        if steps and entry.replay is not None:
            steps[0]["replay"] = self._redactor.value(entry.replay)
        steps = [*[await self._step(thought) for thought in unfinished], *steps]
        thoughts = [*unfinished, *entry.thoughts]
        write = Write(run_id=self.run_id, epoch=self.epoch, steps=steps, tokens=entry.tokens)
        write.attempts = ended_attempts(thoughts)
        write.cost, write.cost_is_partial = entry.cost, entry.cost_is_partial
        write.usage_is_estimated = entry.usage_is_estimated
        self._note_calls(entry, write)
        self.activity.note(entry)
        if entry.status is not None:
            self._note_status(entry.status, entry, write)
        if entry.if_messages is not None:
            write.if_messages = partial(self._instead, entry.if_messages, write)
        self._end_cards(thoughts, write)
        self._writes.submit(write)

    async def read_messages(self, *, turn: int) -> tuple[str, ...]:
        """Read what waits, in one transaction with its steps. Nothing is written, or asked of the database, unless the
        run's last write has seen messages, or this host has heard of some. Raises `JournalClosed`."""
        last = self._writes.last.outcome if self._writes.last is not None else None
        if not self.signal.is_raised and (last is None or not last.queued_messages):
            return ()
        self._check_open()
        self.signal.lower()
        write = Write(run_id=self.run_id, epoch=self.epoch, reads_before=turn)
        self._writes.submit(write)
        await self.written()
        return write.outcome.messages if write.outcome is not None else ()

    async def complete(self, entry: Entry, note: Callable[[tuple[str, ...]], None]) -> None:
        """Record the end of the run, or `entry.if_messages` with the messages that wait: one transaction decides.
        Raises `JournalClosed`; a cancellation meanwhile rises when it is decided."""
        await run_to_completion(self._complete(entry, note))

    async def _complete(self, entry: Entry, note: Callable[[tuple[str, ...]], None]) -> None:
        self.signal.lower()
        await self.record(entry)
        write = self._writes.last
        await self.written()
        if write is None or write.outcome is None or write.outcome.instead is None or entry.if_messages is None:
            note(())
            return
        self.has_left = False
        self.activity.note(entry.if_messages)
        note(write.outcome.messages)

    def _instead(self, entry: Entry, write: Write) -> Write:
        """The write of `entry` instead of `write`, whose thoughts have the same texts. Called by the writer."""
        html = {step["content"]: step["html"] for step in write.steps if "html" in step}
        steps = [self._plain_step(thought) for thought in entry.thoughts]
        for step in steps:
            step["html"] = html.get(step["content"], "")
        if entry.replay is not None:
            steps[0]["replay"] = self._redactor.value(entry.replay)
        turn = entry.thoughts[-1].fields.turn or 0
        return replace(
            write,
            steps=[*write.steps[: -len(steps)], *steps],
            status=AgentStatus.THINKING.value,
            leaves=False,
            fields={},
            reads_before=turn + 1,
            if_messages=None,
        )

    async def interrupt(self, entry: Entry) -> str:
        """Record the interrupted replies before the entry. Raises `JournalClosed`."""
        self._check_open()
        entry.thoughts = interrupted = self.replies.leave("interrupted")
        self.activity.is_replying = False
        await self.record(entry)
        return next((text for thought in interrupted if (text := text_to_go_on(thought.payload))), "")

    async def start(self, change: CallChange) -> None:
        """Record that a call starts, and return when that is durable. Raises `JournalClosed`.

        It does not return if somebody has asked to stop the run: that is looked up in the same transaction.
        """
        before = self.open_calls.get(change.call.call_id)
        await self.record(Entry(calls=[change]))
        write = self._writes.last
        await self.durable()
        if write is not None and write.outcome is not None and write.outcome.kind == "stop_asked":
            self.open_calls[change.call.call_id] = before or replace(change, state="proposed")
            if self._on_stop_asked is not None:
                self._on_stop_asked()
            await asyncio.Event().wait()

    def as_stored(self, value: Any) -> Any:
        """The JSON value as steps have it: without secrets, and without what no database can store."""
        return as_storable_json(self._redactor.value(value))

    def show(self, card: str, delta: Delta) -> None:
        """Pass a piece of a reply on to the viewers, if there is a stream."""
        self.activity.is_replying = True
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
        self._parallel_calls.note(notes, steps, calls or [])
        unfinished = self.replies.leave(_WHY_LEFT.get(status, "attempt_failed"))
        steps = [*map(self._unfinished_step, unfinished), *steps]
        write = Write(
            run_id=self.run_id,
            epoch=self.epoch,
            steps=steps,
            attempts=ended_attempts([*unfinished, *notes]),
            calls=[call_update(change) for change in calls or []],
            withdrawn=self._open.withdrawn_by(calls or []),
            status=status,
            waiting_for=waiting_for,
            leaves=True,
            fields=fields,
            closing=None if closing is None else lambda totals: self._plain_step(closing(totals)),
        )
        self._end_cards(unfinished, write)
        self.has_left = True
        self._writes.submit(write)

    async def render_unfinished(self, limit_s: float) -> None:
        """Render the text of open replies for the write that releases the run, at most `limit_s` for each."""
        self._html = {text: await html_in_time(text, limit_s) for text in self.replies.texts()}

    def _unfinished_step(self, thought: AgentThought) -> Columns:
        step = self._plain_step(thought)
        step["html"] = self._html.get(step["content"], "")
        return step

    async def durable(self) -> None:
        """Return when everything recorded so far is committed, and something may begin. Raises `JournalClosed`.

        It does not return while the host cannot know whether the run is still its own.
        """
        await self.written()
        if self._until_sure is not None and not self.has_left:
            await self._until_sure()

    async def written(self) -> None:
        """Return when everything recorded so far is committed. Raises `JournalClosed` if it was refused."""
        await self._writes.written()

    async def _step(self, thought: AgentThought) -> Columns:
        step = self._plain_step(thought)
        if is_prose(thought):
            step["html"] = await html_of(step["content"])
        return step

    def _plain_step(self, thought: AgentThought) -> Columns:
        step = step_columns(thought, epoch=self.epoch, redactor=self._redactor)
        self._alerts.note(step)
        return step

    def _end_cards(self, thoughts: Iterable[AgentThought], write: Write) -> None:
        for thought in thoughts:
            if self.stream is None:
                return
            for each in ended_cards(thought.payload):
                self.stream.end(f"{self.epoch}-{each}", whole_turn=decides_turn(thought.payload), write=write)

    def _note_calls(self, entry: Entry, write: Write) -> None:
        if self._open.asking:
            write.withdrawn = self._open.withdrawn_by(entry.calls)
        for change in entry.calls:
            if change.asked is not None:
                write.questions.append(asked_columns(change, change.asked, redactor=self._redactor))
            if change.is_new:
                write.new_calls.append(call_columns(change, redactor=self._redactor))
            else:
                write.calls.append(call_update(change))
                write.starts_call = write.starts_call or (change.state == "started" and change.effect not in REPEATABLE)
        self._open.note(entry.calls)

    def _note_status(self, status: AgentStatus, entry: Entry, write: Write) -> None:
        write.status = status._value_  # `value` is two calls of Python.
        write.waiting_for = entry.parks or ("retry" if status is AgentStatus.WAITING else "")
        if entry.parks is not None:
            write.leaves = self.has_left = True
        if not status.is_final:
            return
        write.leaves = self.has_left = True
        write.fields = {"ended_at": datetime.now(UTC), "pause_requested_at": None}
        if status is AgentStatus.COMPLETED:
            write.fields["answer"] = as_storable_text(write.steps[-1]["content"])
            write.fields["output"] = self._redactor.value(entry.output)
            write.fields["could_not"] = entry.could_not
        elif entry.error is not None:
            error = self._redactor.value(entry.error.as_json())
            write.fields |= {"error": error, "severity": entry.error.severity.value}
