"""How a claim of a run ends other than by its own answer or error: stopped, suspended, poisoned, parked."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal
from uuid import UUID

from runs.agent.approvals import outcome_question
from runs.agent.calling import REPEATABLE
from runs.agent.errors import AgentError, ErrorSeverity
from runs.agent.journal import CallChange, Entry, ParkedFor
from runs.agent.messages import ToolCall as Call
from runs.agent.outcome import error_thought
from runs.agent.thoughts import AgentThought, ThoughtType
from runs.engine.lease import MAX_CRASHES, Claim
from runs.engine.proof import Totals, proof_thought
from runs.engine.recorder import Recorder
from runs.models import Step, ToolCall

StopReason = Literal["cancel", "pause", "suspend", "lost"]


async def ended_before_it_began(claim: Claim, recorder: Recorder) -> bool:
    """End the run at once if this claim finds it cancelled, poisoned, paused, or a call a person has to decide about.

    Otherwise a run whose host was lost gets a note that it goes on, and False comes back.
    """
    waits_for = _person_decides(recorder)
    if claim.run.cancel_requested_at is not None:
        stopped(recorder, "cancel")
    elif claim.run.crashes >= MAX_CRASHES:
        _poison(claim, recorder)
    elif waits_for is not None:
        _park(recorder, waits_for)
    elif claim.run.pause_requested_at is not None:
        stopped(recorder, "pause")
    else:
        if claim.was_hosted or (claim.steps and not _a_person_said_so(claim)):
            await recorder.record(Entry(thoughts=[_resumed(claim)]))
        return False
    return True


def open_calls(claim: Claim) -> dict[str, CallChange]:
    """The calls an earlier claim left without a result, by call id. Those that can be will be run again."""
    have_results = {step.call_id for step in claim.steps if step.kind == Step.Kind.TOOL_RESULT}
    return {
        str(call.call_id): _change(call)
        for call in claim.calls
        if call.state in ToolCall.OPEN or (call.state == ToolCall.State.UNKNOWN and call.call_id not in have_results)
    }


def stopped(recorder: Recorder, reason: StopReason) -> None:
    """Let go of a run whose work was interrupted. Does nothing if its last write is already queued."""
    if recorder.has_left or reason == "lost":
        return
    running = list(recorder.open_calls.values())
    if reason == "cancel":
        stop = recorder.doing.stop(running, keeps_words=recorder.replies.have_words)
        recorder.leave(
            "cancelled",
            notes=[_stopped_result(change) for change in running],
            calls=_all_stopped(running),
            closing=partial(proof_thought, recorder.run_id, stop),
            ended_at=datetime.now(UTC),
            pause_requested_at=None,
        )
        return
    waits_for = _person_decides(recorder)
    if waits_for is not None:
        _park(recorder, waits_for)
    elif reason == "pause":
        note = partial(_paused, recorder.run_id)
        recorder.leave("waiting", waiting_for="resume", notes=[], closing=note, pause_requested_at=None)
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
    ended["pause_requested_at"] = None
    running = list(recorder.open_calls.values())
    notes = [*map(_stopped_result, running), error_thought(error)]
    recorder.leave("failed", notes=notes, calls=_all_stopped(running), **ended)


def _person_decides(recorder: Recorder) -> ParkedFor | None:
    """What a person has to decide about the open calls before the run can go on, if anything."""
    if any(_outcome_is_unknown(change) for change in recorder.open_calls.values()):
        return "decision"
    if any(change.state == "awaiting_approval" for change in recorder.open_calls.values()):
        return "approval"
    return None


def _park(recorder: Recorder, waits_for: ParkedFor) -> None:
    """Let go of the run until a person has decided. Of calls whose outcome is unknown as of now, it is asked."""
    started = [each for each in recorder.open_calls.values() if each.state == "started" and each.effect == "unsafe"]
    questions = [outcome_question(each.call, each.effect, _why_unknown(each)) for each in started]
    unknown = [replace(each, state="unknown", is_new=False) for each in started]
    recorder.leave("waiting", waiting_for=waits_for, notes=questions, calls=unknown)


def _why_unknown(change: CallChange) -> str:
    return f"{change.call.tool_name} was started, and the server stopped before its result was recorded."


def _paused(run_id: UUID, _used: Totals) -> AgentThought:
    """Says who wanted it. Reads that; called in the transaction that parks the run."""
    asked = Step.objects.filter(run_id=run_id, kind=Step.Kind.NOTE, metadata__note="pause_asked")
    by = asked.order_by("-sequence").values_list("metadata__by", flat=True).first()
    about = {"by": by} if by else {}
    return _note("paused", f"Paused{f' by {by}' if by else ''}. Nothing runs until somebody resumes it.", **about)


def _resumed(claim: Claim) -> AgentThought:
    why = "its server stopped without letting go of it" if claim.was_hosted else "the server was restarted"
    return _note("resumed", f"Resumed after step {claim.run.last_sequence}: {why}.")


def _a_person_said_so(claim: Claim) -> bool:
    """True if it goes on because of what somebody did, or did not do in time, which its last step tells already."""
    return "by" in claim.steps[-1].metadata


def _note(note: str, content: str, **metadata: object) -> AgentThought:
    return AgentThought(ThoughtType.NOTE, content, {"note": note, **metadata})


def _outcome_is_unknown(change: CallChange) -> bool:
    return change.state == "unknown" or (change.state == "started" and change.effect == "unsafe")


def _change(call: ToolCall) -> CallChange:
    made = Call(str(call.call_id), call.tool_name, call.arguments, call.turn, call.index, call.proposed_arguments)
    return CallChange(made, call.state, call.effect)  # type: ignore[arg-type]  # The choices are the literals' values.


def _stopped_state(change: CallChange) -> Literal["failed", "unknown"]:
    is_unknown = change.state == "unknown" or (change.state == "started" and change.effect not in REPEATABLE)
    return "unknown" if is_unknown else "failed"


def _all_stopped(running: list[CallChange]) -> list[CallChange]:
    return [CallChange(each.call, _stopped_state(each), each.effect) for each in running]


def _stopped_result(change: CallChange) -> AgentThought:
    unknown = _stopped_state(change) == "unknown"
    metadata = change.call.as_metadata() | {
        "severity": "error" if unknown else "warning",
        "recoverable": False,
        "code": "outcome_unknown" if unknown else "stopped",
    }
    words = "Stopped while it ran: it may or may not have happened." if unknown else "Stopped before it gave a result."
    return AgentThought(ThoughtType.TOOL_RESULT, words, metadata)
