"""The calls of a turn that run at the same time: when each began and ended, told by each of their results.

A step's card depends on its row only, and the picture of a turn needs the times of all its calls. So the last call of
several, and each result, carries what is known of all of them at that moment, as metadata `calls`.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from runs.agent.journal import CallChange
from runs.agent.thoughts import AgentThought, ThoughtType
from runs.models import Run, Step, ToolCall

MOST_CALLS = 16
"""Of more calls the first are told: each of them is told again by every result."""

TIMEOUTS = frozenset({"timeout", "tool_timeout"})


STATES = {
    "proposed": "waiting",
    "awaiting_approval": "waiting",
    "approved": "waiting",
    "denied": "denied",
    "started": "running",
    "succeeded": "succeeded",
    "failed": "failed",
    "unknown": "unknown",
}
"""What is told of a call that has no result, by its own state."""


class SideBySide:
    """The calls of the turn that is under way, if there are several."""

    def __init__(self, told: Iterable[dict[str, Any]] = ()) -> None:
        """`told`: what is known already, where the run is taken up in the middle of a turn."""
        self._calls: dict[str, dict[str, Any]] = {call["call_id"]: call for call in told}

    def note(
        self, thoughts: Sequence[AgentThought], steps: Sequence[dict[str, Any]], changes: Iterable[CallChange] = ()
    ) -> None:
        """Add `calls` to the metadata of those of the steps, each made of one thought, that others wait for.

        Names are those of the steps, in which secrets are hidden.
        """
        proposed = [step for step in steps if step["kind"] == ThoughtType.TOOL_CALL.value]
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
            if thought.type is ThoughtType.TOOL_RESULT and thought.metadata.get("call_id") in self._calls:
                self._calls[thought.metadata["call_id"]] = _ended(thought.metadata, step["tool_name"])
                step["metadata"]["calls"] = list(self._calls.values())
        if last_call is not None:
            last_call["metadata"]["calls"] = list(self._calls.values())

    def _note_changes(self, changes: Iterable[CallChange]) -> None:
        for change in changes:
            call = change.call
            if call.call_id in self._calls and change.state not in ("succeeded", "failed"):
                # Never changed in place: steps that are not stored yet tell of it too.
                name = self._calls[call.call_id]["tool_name"]
                self._calls[call.call_id] = _without_result(call.call_id, name, change.state)


def told_of_last_turn(calls: Sequence[ToolCall], steps: Iterable[Step]) -> list[dict[str, Any]]:
    """What is known of the calls of the last turn, in their order; nothing if it has one call only."""
    turn = max((call.turn for call in calls), default=0)
    beside = sorted((call for call in calls if call.turn == turn), key=lambda call: call.index)[:MOST_CALLS]
    if len(beside) < 2:
        return []
    results = {step.call_id: step for step in steps if step.kind == Step.Kind.TOOL_RESULT}
    return [_told(call, results.get(call.call_id)) for call in beside]


def told_beside(run: Run, turn: int) -> dict[str, Any]:
    """The metadata of a result that a person's decision or stop makes: `calls`, if the turn has several."""
    told = told_of_last_turn(list(run.calls.filter(turn=turn)), run.steps.filter(turn=turn, call_id__isnull=False))
    return {"calls": told} if told else {}


def _told(call: ToolCall, result: Step | None) -> dict[str, Any]:
    about = _without_result(str(call.call_id), call.tool_name, call.state)
    if result is None or call.state == ToolCall.State.DENIED:
        return about
    about["state"] = _state({"severity": result.severity, "code": result.metadata.get("code")})
    if result.started_at is None or result.ended_at is None:
        return about
    times = {"started_at": result.started_at.timestamp(), "ended_at": result.ended_at.timestamp()}
    return about | {name: round(value, 4) for name, value in times.items()}


def _without_result(call_id: str, tool_name: str, state: str = "proposed") -> dict[str, Any]:
    return {"call_id": call_id, "tool_name": tool_name, "state": STATES[state]}


def _ended(result: dict[str, Any], tool_name: str) -> dict[str, Any]:
    about = {"call_id": result["call_id"], "tool_name": tool_name, "state": _state(result)}
    if (started_at := result.get("started_at")) is None:
        return about
    return about | {"started_at": round(started_at, 4), "ended_at": round(result["ended_at"], 4)}


def _state(result: dict[str, Any]) -> str:
    if not result.get("severity"):
        return "succeeded"
    code = result.get("code")
    if code == "outcome_unknown":
        return "unknown"
    return "timeout" if code in TIMEOUTS else "failed"
