"""What all decisions about calls share: the run is locked first, the decision is a step, and the run continues.

Without the lock, two people who decide the last two calls of a turn at the same instant would each see the other's
call undecided, and the run would not be woken.
"""

from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from runs.agent.payloads.steps import DecisionPayload, ToolResultPayload
from runs.agent.redaction.redactor import Redactor
from runs.agent.wording import Wording
from runs.engine.control.step_log import add_step, name_of, place_of
from runs.engine.operations import fault_points
from runs.engine.operations.known_secrets import known_secrets
from runs.engine.queueing.dispatch import announce, dispatch
from runs.engine.recording.parallel_calls import parallel_calls_of
from runs.languages import in_english
from runs.models import Run, Step, Surface, ToolCall
from runs.models.tool_call import is_in_grace

ENDED = {
    Run.Status.COMPLETED: Wording("The run is completed."),
    Run.Status.FAILED: Wording("The run is failed."),
    Run.Status.CANCELLED: Wording("The run is stopped."),
}


class DecisionRefused(ValueError):
    """The decision is no longer possible, and nothing was changed. `call` has the call's current state."""

    def __init__(self, code: str, message: Wording, call: ToolCall) -> None:
        """`code`: not_waiting, already_decided, too_late, arguments_changed, expired,
        stop_asked."""
        super().__init__(message)
        self.code = code
        self.call = call


def locked(call_id: UUID | str) -> tuple[Run, ToolCall]:
    """The locked run of a call, and the call. Raises `ToolCall.DoesNotExist`."""
    run_id = ToolCall.objects.values_list("run_id", flat=True).get(pk=call_id)
    run = Run.objects.select_for_update().get(pk=run_id)
    return run, ToolCall.objects.get(pk=call_id)


def check_run(run: Run, call: ToolCall) -> None:
    """Raise `DecisionRefused` if no decision is possible in the run any more."""
    if run.is_finished:
        raise DecisionRefused("not_waiting", ENDED[Run.Status(run.status)], call)
    if run.cancel_requested_at is not None:
        raise DecisionRefused("stop_asked", Wording("The run has been asked to stop."), call)


def record(run: Run, call: ToolCall, words: str, payload: DecisionPayload, *, user: Any) -> None:
    """Store the decision of `user`, and add its step."""
    reason = payload.reason
    call.decided_by, call.decided_at, call.decision_reason = user, timezone.now(), reason
    call.surface = payload.surface
    call.save()
    told = f"{words}\n{reason}" if reason else words
    add_step(run, Step.Kind.APPROVAL, told, payload, tool_input=call.arguments, **place_of(call))


def add_result(run: Run, call: ToolCall, content: str, *, by: str | None, code: str = "", **columns: Any) -> None:
    """Add the result step: the result that a person entered, or, with `code`, the reason why there is none."""
    remark = "" if code else "A person told this result."
    beside = () if call.position else parallel_calls_of(run, call.turn)
    payload = ToolResultPayload(by=by, code=code, remark=remark, calls=beside)
    add_step(run, Step.Kind.TOOL_RESULT, content, payload, **place_of(call), **columns)


def go_on_if_decided(run: Run) -> None:
    """Save the run; queue it if all decisions are made and all questions answered, and none can be undone any more."""
    run.waiting_for = _waits_for(run)
    is_decided = not run.waiting_for
    if is_decided:
        run.status = Run.Status.IDLE
        # From here on a host may run the calls, whatever the clock does.
        run.calls.filter(undo_until__isnull=False).update(undo_until=None)
    run.save(update_fields=["status", "waiting_for", "next_sequence"])
    fault_points.at_commit("decision")
    if is_decided:
        dispatch(run.pk)
    announce(run.pk, run.last_sequence)


def _waits_for(run: Run) -> str:
    """What the calls of a parked run wait for, in the order of `PARKED_FOR`; empty if they wait for nothing."""
    states = ToolCall.State
    waits = [states.UNKNOWN, states.AWAITING_APPROVAL, states.AWAITING_ANSWER, states.AWAITING_CHILD]
    waiting = Q(state__in=waits) | is_in_grace()
    found = set(run.calls.filter(waiting).values_list("state", flat=True))
    if states.UNKNOWN in found and run.calls.undecided().exists():
        return Run.WaitingFor.DECISION
    if found & {states.AWAITING_APPROVAL, states.APPROVED}:
        return Run.WaitingFor.APPROVAL
    if states.AWAITING_ANSWER in found:
        return Run.WaitingFor.ANSWER
    return Run.WaitingFor.CHILD if states.AWAITING_CHILD in found else ""


def without_secrets(text: str) -> str:
    """A typed text with its secrets hidden, ready to be stored."""
    return Redactor(known_secrets()).text(text.strip())


def _decided_as(call: ToolCall) -> ToolCall.State:
    """What was decided, if it runs or has run since; else the state of the call."""
    has_run = call.started_at is not None and call.decided_at is not None and call.decided_at < call.started_at
    return ToolCall.State.APPROVED if has_run else ToolCall.State(call.state)


def stands(call: ToolCall) -> Wording:
    """A sentence on the state of a call that another person decided first."""
    state = in_english(_decided_as(call).label)
    if call.decided_by is None or call.decided_at is None:
        return Wording("This call is already %(state)s.", state=state.lower())
    about = {"state": state.lower(), "who": name_of(call.decided_by)}
    if call.surface not in Surface.values:
        return Wording("This call is already %(state)s by %(who)s.", **about)
    where = in_english(Surface(call.surface).label)
    return Wording("This call is already %(state)s by %(who)s, %(where)s.", **about, where=where)
