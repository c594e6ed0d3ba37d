"""Parallel calls of a turn: when each began and ended, stored with each of their results. Not those that calls make.

A step's card depends on its row only, and the timeline of a turn needs the times of all its calls. So the last of
several calls, and each result, stores the state of all of them at that moment, as the `calls` of its payload.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from runs.agent.errors.codes import TIMEOUT_CODES
from runs.agent.journal import CallChange
from runs.agent.payloads.json_form import add_calls
from runs.agent.payloads.kinds import Payload
from runs.agent.payloads.steps import CallBeside, CallBesideState, ToolCallPayload, ToolResultPayload
from runs.agent.thoughts import AgentThought, ThoughtType
from runs.agent.tool_calls.call_states import CALL_STATES
from runs.engine.writing.columns import Columns
from runs.models import Run, Step, ToolCall

MOST_CALLS = 16
"""Only the first calls are stored, because each result repeats all of them."""
_TOOL_CALL = ThoughtType.TOOL_CALL.value


class ParallelCalls:
    """The calls of the current turn, if there are several."""

    def __init__(self, told: Iterable[CallBeside] = ()) -> None:
        """`told`: the known calls, if the run is resumed in the middle of a turn."""
        self._calls = {call.call_id: call for call in told}

    def note(
        self, thoughts: Sequence[AgentThought], steps: Sequence[Columns], changes: Iterable[CallChange] = ()
    ) -> None:
        """Add `calls` to the payloads of the steps that show parallel calls. Each step was made of one thought.

        Tool names are taken from the steps, in which secrets are hidden.
        """
        if any(isinstance(thought.payload, ToolCallPayload) and thought.payload.parent_id for thought in thoughts):
            return
        proposed = [step for step in steps if step["kind"] == _TOOL_CALL]
        if proposed:
            few = proposed[:MOST_CALLS] if len(proposed) > 1 else []
            self._calls = {call["call_id"]: _without_result(call["call_id"], call["tool_name"]) for call in few}
        self._note_changes(changes)
        if not self._calls:
            return
        last_call = None
        for thought, step in zip(thoughts, steps, strict=True):
            if thought.type is ThoughtType.TOOL_CALL:
                last_call = step
            if thought.type is ThoughtType.TOOL_RESULT and thought.fields.call_id in self._calls:
                self._calls[thought.fields.call_id] = _ended(thought, step["tool_name"])
                add_calls(step["metadata"], self._calls.values())
        if last_call is not None:
            add_calls(last_call["metadata"], self._calls.values())

    def _note_changes(self, changes: Iterable[CallChange]) -> None:
        for change in changes:
            call = change.call
            if call.call_id in self._calls and change.state not in ("succeeded", "failed"):
                name = self._calls[call.call_id].tool_name
                self._calls[call.call_id] = _without_result(call.call_id, name, change.state)


def parallel_calls_of_last_turn(calls: Sequence[ToolCall], steps: Iterable[Step]) -> list[CallBeside]:
    """The calls of the last turn, in order; empty if it has one call only."""
    turn = max((call.turn for call in calls), default=0)
    of_turn = (call for call in calls if call.turn == turn and not call.position)
    beside = sorted(of_turn, key=lambda call: call.index)[:MOST_CALLS]
    if len(beside) < 2:
        return []
    results = {step.call_id: step for step in steps if step.kind == Step.Kind.TOOL_RESULT}
    return [_told(call, results.get(call.call_id)) for call in beside]


def parallel_calls_of(run: Run, turn: int) -> tuple[CallBeside, ...]:
    """The `calls` for a result that a decision or stop adds; empty if the turn has one call only."""
    calls, steps = run.calls.filter(turn=turn, position=0), run.steps.filter(turn=turn, call_id__isnull=False)
    return tuple(parallel_calls_of_last_turn(list(calls), steps))


def _told(call: ToolCall, result: Step | None) -> CallBeside:
    about = _without_result(str(call.call_id), call.tool_name, call.state)
    if result is None or call.state in (ToolCall.State.DENIED, *ToolCall.OPEN):
        return about
    state = _state(result.severity, result.payload)
    if state == "unknown" and call.state != ToolCall.State.UNKNOWN:
        return about  # Its result is from before a person settled it.
    about = replace(about, state=state)
    if result.started_at is None or result.ended_at is None:
        return about
    return _at(about, result.started_at.timestamp(), result.ended_at.timestamp())


def _without_result(call_id: str, tool_name: str, state: str = "proposed") -> CallBeside:
    return CallBeside(call_id=call_id, tool_name=tool_name, state=CALL_STATES[state].progress)


def _ended(result: AgentThought, tool_name: str) -> CallBeside:
    fields = result.fields
    state = _state(fields.severity, result.payload)
    about = CallBeside(call_id=str(fields.call_id), tool_name=tool_name, state=state)
    if fields.started_at is None or fields.ended_at is None:
        return about
    return _at(about, fields.started_at, fields.ended_at)


def _at(call: CallBeside, started_at: float, ended_at: float) -> CallBeside:
    return replace(call, started_at=round(started_at, 4), ended_at=round(ended_at, 4))


def _state(severity: str | None, result: Payload) -> CallBesideState:
    if not severity:
        return "succeeded"
    code = result.code if isinstance(result, ToolResultPayload) else ""
    if code == "outcome_unknown":
        return "unknown"
    return "timeout" if code in TIMEOUT_CODES else "failed"
