"""How a claim ends other than by an answer or error: stopped, suspended, crashed too often, parked."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Literal
from uuid import UUID

from runs.agent.errors import call_sentences as sentences
from runs.agent.journal import CallChange, Entry, ParkedFor
from runs.agent.payloads.kinds import is_from_a_person
from runs.agent.payloads.notes import ChildPayload, NotePayload
from runs.agent.thoughts import AgentThought, ThoughtType
from runs.agent.tool_calls.approval_rules import outcome_question
from runs.agent.wording import Wording
from runs.engine.hosting.claim_queries import Claim
from runs.engine.hosting.crash_limit import fail_after_crashes, has_crashed_too_often
from runs.engine.hosting.replay import invocation_of
from runs.engine.recording.call_endings import without_result
from runs.engine.recording.recorder import Recorder
from runs.engine.recording.stop_report import stop_report_thought
from runs.engine.recording.stopped_calls import stopped_calls, stopped_result
from runs.engine.writing.writes import Totals
from runs.models import Step, ToolCall

StopReason = Literal["cancel", "pause", "suspend", "lost"]


async def ended_before_it_began(claim: Claim, recorder: Recorder) -> bool:
    """End the claim at once if the run is cancelled, poisoned or paused, or a call needs a person's decision.

    Returns False if the run can go on; a run whose host was lost then gets a note that says so.
    """
    waits_for = _person_decides(recorder)
    if claim.run.cancel_requested_at is not None:
        stopped(recorder, "cancel")
    elif has_crashed_too_often(claim.run):
        fail_after_crashes(claim, recorder)
    elif waits_for is not None:
        _park(recorder, waits_for)
    elif claim.run.pause_requested_at is not None:
        stopped(recorder, "pause")
    else:
        if claim.was_hosted or (claim.steps and not _a_person_said_so(claim) and not _waited_for_children(claim)):
            await recorder.record(Entry(thoughts=[_resumed(claim)]))
            if claim.run.crashes:
                await recorder.written()  # A run that is lost before has done nothing that counts as a crash.
        return False
    return True


def open_calls(claim: Claim) -> dict[str, CallChange]:
    """The calls an earlier claim left without a result, by call id. Repeatable ones will run again."""
    have_results = {step.call_id for step in claim.steps if step.kind == Step.Kind.TOOL_RESULT}
    return {str(call.call_id): _change(call) for call in without_result(claim.calls, have_results)}


def stopped(recorder: Recorder, reason: StopReason) -> None:
    """Release a run whose work was interrupted. Does nothing if its last write is already queued."""
    if recorder.has_left or reason == "lost":
        return
    running = list(recorder.open_calls.values())
    if reason == "cancel":
        stop = recorder.activity.stop(running, keeps_words=recorder.replies.have_words)
        recorder.leave(
            "cancelled",
            notes=[stopped_result(change) for change in running],
            calls=stopped_calls(running),
            closing=partial(stop_report_thought, recorder.run_id, stop),
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
        words = Wording("Interrupted: the server is stopping. The run is queued.")
        recorder.leave("idle", notes=[_note(words, NotePayload(note="interrupted"))])


async def close_open_calls(recorder: Recorder) -> None:
    """Give the calls that an earlier claim left open a result that says they will not run again."""
    if running := list(recorder.open_calls.values()):
        await recorder.record(Entry(thoughts=[*map(stopped_result, running)], calls=stopped_calls(running)))


def _person_decides(recorder: Recorder) -> ParkedFor | None:
    """The decision or answer about open calls that the run waits for; None if it can go on."""
    if any(_outcome_is_unknown(change) for change in recorder.open_calls.values()):
        return "decision"
    states = {change.state for change in recorder.open_calls.values()}
    if "awaiting_approval" in states:
        return "approval"
    if "awaiting_answer" in states:
        return "answer"
    return None


def _park(recorder: Recorder, waits_for: ParkedFor) -> None:
    """Release the run until a person has decided, and ask for the outcome of each started unsafe call."""
    started = [each for each in recorder.open_calls.values() if each.state == "started" and each.effect == "unsafe"]
    questions = [outcome_question(each.call, each.effect, _why_unknown(each)) for each in started]
    unknown = [replace(each, state="unknown", is_new=False) for each in started]
    recorder.leave("waiting", waiting_for=waits_for, notes=questions, calls=unknown)


def _why_unknown(change: CallChange) -> str:
    return sentences.SERVER_STOPPED.made(tool=change.call.tool_name)


def _paused(run_id: UUID, _used: Totals) -> AgentThought:
    """The note of a pause, with the name of its requester. Queries the database in the transaction that parks the
    run."""
    asked = Step.objects.filter(run_id=run_id).notes("pause_asked").only("kind", "metadata")
    last = asked.order_by("-sequence").first()
    asked_by = last.payload if last is not None and isinstance(last.payload, NotePayload) else None
    by, with_run = (asked_by.by, asked_by.with_run) if asked_by is not None else (None, None)
    paused = Wording("Paused by %(name)s.", name=by) if by else Wording("Paused.")
    words = Wording.paragraph(paused, Wording("Nothing runs until a person resumes it."))
    return _note(words, NotePayload(note="paused", by=by or None, with_run=with_run))


def _resumed(claim: Claim) -> AgentThought:
    last = claim.run.last_sequence
    if claim.was_hosted:
        words = Wording("Resumed after step %(n)s: its server stopped without letting go of it.", n=last)
    else:
        words = Wording("Resumed after step %(n)s: the server was restarted.", n=last)
    return _note(words, NotePayload(note="resumed"))


def _a_person_said_so(claim: Claim) -> bool:
    """True if a person's decision, or its deadline, let the run go on: its last step says so already."""
    return is_from_a_person(claim.steps[-1].payload)


def _waited_for_children(claim: Claim) -> bool:
    """True if the run goes on because its child runs have ended: the results of the calls will say so."""
    last = claim.steps[-1].payload
    if isinstance(last, NotePayload) and last.note == "interrupted":
        return False
    launched = {step.call_id for step in claim.steps if isinstance(step.payload, ChildPayload)}
    return any(call.call_id in launched and call.state in ToolCall.OPEN for call in claim.calls)


def _note(content: str, payload: NotePayload) -> AgentThought:
    return AgentThought(ThoughtType.NOTE, content, payload=payload)


def _outcome_is_unknown(change: CallChange) -> bool:
    return change.state == "unknown" or (change.state == "started" and change.effect == "unsafe")


def _change(call: ToolCall) -> CallChange:
    made = invocation_of(call)
    return CallChange(made, call.state, call.effect)  # type: ignore[arg-type]  # The choices are the literals' values.
