"""What was active when a run stopped: running calls, finished calls, and an open model request.

A host follows the activity of its runs; for a run without a host the rows tell it.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils import timezone

from runs.agent.journal import CallChange, Entry
from runs.agent.payloads.notes import FinishedCall, StoppedCall
from runs.agent.state import AgentStatus
from runs.engine.recording.call_endings import outcome_in, without_result
from runs.models import Run, Step, ToolCall

_UNDER_WAY: Final = (ToolCall.State.STARTED, ToolCall.State.AWAITING_CHILD)


@dataclass(frozen=True, slots=True, kw_only=True)
class StopReport:
    """The activity at the moment of a stop."""

    stopped: Sequence[StoppedCall] = ()
    finished: Sequence[FinishedCall] = ()
    was_asking: bool = False
    """True if a model request was open."""
    keeps_words: bool = False
    """True if the text of the interrupted reply is kept, in a step before the last."""
    forced_by: str | None = None
    """The person who forced the end without the host."""


class RunActivity:
    """The current activity of a run, as its recorder reports it. Belongs to the recorder's loop."""

    def __init__(self) -> None:
        self._status = AgentStatus.THINKING
        self._turn = 0
        self._since: dict[str, float] = {}
        self._finished: dict[str, CallChange] = {}
        self._goes_on = False
        self.is_replying = False
        """True from the first chunk of a reply to its end."""

    def goes_on(self, open_calls: Iterable[CallChange]) -> None:
        """Start, with the open calls of an earlier claim, of which the repeatable ones run again."""
        self._goes_on = True
        now = time.monotonic()
        self._since = {each.call.call_id: now for each in open_calls if each.state == "started"}

    def note(self, entry: Entry) -> None:
        """Update from a recorded entry."""
        for change in entry.calls:
            if change.call.turn != self._turn:
                self._turn, self._finished = change.call.turn, {}
            if change.state == "started":
                self._since[change.call.call_id] = time.monotonic()
            elif change.state in ("succeeded", "failed"):
                self._finished[change.call.call_id] = change
        self._status = entry.status or self._status
        if self.is_replying and any(thought.payload.card is not None for thought in entry.thoughts):
            self.is_replying = False

    @property
    def is_waiting(self) -> bool:
        """True while the run waits for its next model attempt."""
        return self._status is AgentStatus.WAITING

    def stop(self, running: Iterable[CallChange], *, keeps_words: bool = False) -> StopReport:
        """The report of a stop at this moment; `running` are the calls without a result."""
        now = time.monotonic()
        stopped = []
        for each in running:
            since = self._since.get(each.call.call_id) if each.state in _UNDER_WAY else None
            ran_s = None if since is None else round(now - since, 3)
            outcome = outcome_in(each.state, each.effect)
            stopped.append(
                StoppedCall(call_id=each.call.call_id, tool_name=each.call.tool_name, outcome=outcome, ran_s=ran_s)
            )
        finished = [
            FinishedCall(call_id=each.call.call_id, tool_name=each.call.tool_name, state=each.state)
            for each in self._finished.values()
        ]
        was_asking = self._goes_on and not stopped and self._status is AgentStatus.THINKING
        return StopReport(stopped=stopped, finished=finished, was_asking=was_asking, keeps_words=keeps_words)


def stop_report_of(run: Run, *, forced_by: str | None = None) -> StopReport:
    """The report of a stop of `run` at this moment, from its rows. For runs that no host releases itself."""
    calls = list(run.calls.order_by("turn", "index", "position"))
    have_results = set(
        run.steps.filter(kind=Step.Kind.TOOL_RESULT, call_id__isnull=False).values_list("call_id", flat=True)
    )
    now = timezone.now()
    open_calls = without_result(calls, have_results)
    open_ids = {call.call_id for call in open_calls}
    last_turn = calls[-1].turn if calls else 0
    done = [call for call in calls if call.turn == last_turn and call.call_id in have_results - open_ids]
    return StopReport(
        stopped=[_stopped_row(call, now) for call in open_calls],
        finished=[FinishedCall(call_id=str(call.call_id), tool_name=call.tool_name, state=call.state) for call in done],
        was_asking=run.owner is not None and run.status == Run.Status.THINKING and not open_calls,
        forced_by=forced_by,
    )


def _stopped_row(call: ToolCall, now: datetime) -> StoppedCall:
    ran_s = None
    if call.state in _UNDER_WAY and call.started_at is not None:
        ran_s = round((now - call.started_at).total_seconds(), 3)
    outcome = outcome_in(call.state, call.effect)
    return StoppedCall(call_id=str(call.call_id), tool_name=call.tool_name, outcome=outcome, ran_s=ran_s)
