"""How a claim of a run ends other than by its own answer or error: stopped, suspended, poisoned, parked."""

from datetime import UTC, datetime
from typing import Any, Literal

from runs.agent.calling import REPEATABLE
from runs.agent.errors import AgentError, ErrorSeverity
from runs.agent.journal import CallChange, Entry
from runs.agent.loop import error_thought
from runs.agent.messages import ToolCall as Call
from runs.agent.thoughts import AgentThought, ThoughtType
from runs.engine.lease import MAX_CRASHES, Claim
from runs.engine.recorder import Recorder
from runs.models import Step, ToolCall

StopReason = Literal["cancel", "suspend"]


async def ended_before_it_began(claim: Claim, recorder: Recorder) -> bool:
    """End the run at once if this claim finds it cancelled, poisoned, or with a call whose outcome is unknown.

    Otherwise a run that has steps gets a note that it goes on, and False comes back.
    """
    unknown = [_change(call, "unknown") for call in claim.calls if _outcome_is_unknown(call)]
    if claim.run.cancel_requested_at is not None:
        stopped(recorder, "cancel")
    elif claim.run.crashes >= MAX_CRASHES:
        _poison(claim, recorder)
    elif unknown:
        _park(recorder, unknown)
    else:
        if claim.was_hosted or claim.steps:
            await recorder.record(Entry(thoughts=[_resumed(claim)]))
        return False
    return True


def open_calls(claim: Claim) -> dict[str, CallChange]:
    """The calls an earlier claim left without a result, by call id. Those that can be will be run again.

    Of a run that is to be stopped, those too whose outcome is unknown and that a person was to decide about.
    """
    left = {ToolCall.State.PROPOSED: "proposed", ToolCall.State.STARTED: "started"}
    if claim.run.cancel_requested_at is not None:
        left[ToolCall.State.UNKNOWN] = "started"
    have_results = {step.call_id for step in claim.steps if step.kind == Step.Kind.TOOL_RESULT}
    return {
        str(call.call_id): _change(call, "started" if left[ToolCall.State(call.state)] == "started" else "proposed")
        for call in claim.calls
        if call.state in left and call.call_id not in have_results
    }


def stopped(recorder: Recorder, reason: StopReason) -> None:
    """Let go of a run whose work was interrupted. Does nothing if its last write is already queued."""
    if recorder.has_left:
        return
    running = list(recorder.open_calls.values())
    if reason == "cancel":
        results = [_stopped_result(change) for change in running]
        note = _note("cancelled", _cancelled_words(running))
        recorder.leave("cancelled", notes=[*results, note], calls=_all_stopped(running), ended_at=datetime.now(UTC))
        return
    unknown = [
        CallChange(each.call, "unknown", each.effect)
        for each in running
        if each.effect == "unsafe" and each.state == "started"
    ]
    if unknown:
        _park(recorder, unknown)
    else:
        recorder.leave("idle", notes=[_note("interrupted", "Interrupted: the server is stopping. The run is queued.")])


async def close_open_calls(recorder: Recorder) -> None:
    """Give the calls an earlier claim left open a result that says nobody will run them again."""
    if running := list(recorder.open_calls.values()):
        await recorder.record(Entry(thoughts=[*map(_stopped_result, running)], calls=_all_stopped(running)))


def _poison(claim: Claim, recorder: Recorder) -> None:
    error = AgentError(
        f"The run was ended because it was lost {claim.run.crashes} times in a row without a new step: the process "
        "that worked on it died, or what it did could not be stored.",
        ErrorSeverity.CRITICAL,
        {"crashes": claim.run.crashes},
        recoverable=False,
        suggested_action="Look in the log for the reason, then run it again.",
        code="poison",
    )
    ended: dict[str, Any] = {"error": error.as_json(), "severity": error.severity.value, "ended_at": datetime.now(UTC)}
    running = list(recorder.open_calls.values())
    notes = [*map(_stopped_result, running), error_thought(error)]
    recorder.leave("failed", notes=notes, calls=_all_stopped(running), **ended)


def _park(recorder: Recorder, unknown: list[CallChange]) -> None:
    names = ", ".join(sorted({change.call.tool_name for change in unknown}))
    words = (
        f"Outcome unknown: {names} was started and the server stopped before its result was recorded. "
        "It may or may not have happened, so it is not repeated."
    )
    note = _note("outcome_unknown", words, severity="error", calls=[change.call.call_id for change in unknown])
    recorder.leave("waiting", waiting_for="decision", notes=[note], calls=unknown)


def _resumed(claim: Claim) -> AgentThought:
    why = "its server stopped without letting go of it" if claim.was_hosted else "the server was restarted"
    return _note("resumed", f"Resumed after step {claim.run.last_sequence}: {why}.")


def _note(note: str, content: str, **metadata: object) -> AgentThought:
    return AgentThought(ThoughtType.NOTE, content, {"note": note, **metadata})


def _outcome_is_unknown(call: ToolCall) -> bool:
    return call.state == ToolCall.State.STARTED and call.effect == ToolCall.Effect.UNSAFE


def _change(call: ToolCall, state: Literal["proposed", "started", "unknown"]) -> CallChange:
    made = Call(str(call.call_id), call.tool_name, call.arguments, call.turn, call.index)
    return CallChange(made, state, call.effect)  # type: ignore[arg-type]  # The choices are Effect's values.


def _stopped_state(change: CallChange) -> Literal["failed", "unknown"]:
    return "unknown" if change.state == "started" and change.effect not in REPEATABLE else "failed"


def _all_stopped(running: list[CallChange]) -> list[CallChange]:
    return [CallChange(each.call, _stopped_state(each), each.effect) for each in running]


def _stopped_result(change: CallChange) -> AgentThought:
    unknown = _stopped_state(change) == "unknown"
    metadata = {
        "turn": change.call.turn,
        "tool_name": change.call.tool_name,
        "call_id": change.call.call_id,
        "severity": "error" if unknown else "warning",
        "recoverable": False,
        "code": "outcome_unknown" if unknown else "stopped",
    }
    words = "Stopped while it ran: it may or may not have happened." if unknown else "Stopped before it gave a result."
    return AgentThought(ThoughtType.TOOL_RESULT, words, metadata)


def _cancelled_words(running: list[CallChange]) -> str:
    if not running:
        return "Stopped. No tool was running."
    names = ", ".join(change.call.tool_name for change in running)
    return f"Stopped. Still running and stopped with it: {names}."
