"""What all decisions about calls have in common: the run is locked first, the decision is a step, the run goes on.

Two people who decide the last two calls of a turn at the same instant would otherwise each see the other's call
undecided, and nobody would wake the run.
"""

from typing import Any
from uuid import UUID

from django.utils import timezone

from runs.agent.redaction import Redactor
from runs.engine import crashpoints
from runs.engine.control.steps import add_step, name_of, place_of
from runs.engine.dispatch import announce, dispatch
from runs.engine.secrets import known_secrets
from runs.engine.side_by_side import told_beside
from runs.models import Run, Step, ToolCall


class DecisionRefused(ValueError):
    """The decision could not be taken any more, and nothing was changed. `call` is the call as it truly stands."""

    def __init__(self, code: str, message: str, call: ToolCall) -> None:
        """`code`: not_waiting, already_decided, arguments_changed, expired, stop_asked."""
        super().__init__(message)
        self.code = code
        self.call = call


def locked(call_id: UUID | str) -> tuple[Run, ToolCall]:
    """The locked run of a call, and the call. Raises `ToolCall.DoesNotExist`."""
    run_id = ToolCall.objects.values_list("run_id", flat=True).get(pk=call_id)
    run = Run.objects.select_for_update().get(pk=run_id)
    return run, ToolCall.objects.get(pk=call_id)


def check_run(run: Run, call: ToolCall) -> None:
    """Raise `DecisionRefused` if nothing can be decided in the run any more."""
    if run.is_finished:
        raise DecisionRefused("not_waiting", f"The run is {run.get_status_display().lower()}.", call)
    if run.cancel_requested_at is not None:
        raise DecisionRefused("stop_asked", "Somebody has asked to stop the run.", call)


def record(
    run: Run, call: ToolCall, decision: str, words: str, *, by: str | None, user: Any, reason: str, **about: Any
) -> None:
    """Store the decision, and add its step."""
    call.decided_by, call.decided_at, call.decision_reason = user, timezone.now(), reason
    call.save()
    metadata = {"decision": decision, "by": by, "reason": reason, **about}
    told = f"{words}\n{reason}" if reason else words
    add_step(run, Step.Kind.APPROVAL, told, tool_input=call.arguments, metadata=metadata, **place_of(call))


def add_result(run: Run, call: ToolCall, content: str, *, by: str | None, code: str = "", **columns: Any) -> None:
    """Add the step with the result that a person told, or with why there is none, which `code` names."""
    metadata = {"by": by, "code": code} if code else {"by": by, "remark": "A person told this result."}
    metadata |= told_beside(run, call.turn)
    add_step(run, Step.Kind.TOOL_RESULT, content, metadata=metadata, **place_of(call), **columns)


def go_on_if_decided(run: Run) -> None:
    """Save the run; queue it if no decision is missing any more."""
    if run.waiting_for == Run.WaitingFor.APPROVAL:
        is_decided = not run.calls.filter(state=ToolCall.State.AWAITING_APPROVAL).exists()
    else:
        is_decided = not run.calls.undecided().exists()
    if is_decided:
        run.status, run.waiting_for = Run.Status.IDLE, ""
    run.save(update_fields=["status", "waiting_for", "next_sequence"])
    crashpoints.at_commit("decision")
    if is_decided:
        dispatch(run.pk)
    announce(run.pk, run.last_sequence)


def without_secrets(text: str) -> str:
    """What somebody typed, as it may be stored."""
    return Redactor(known_secrets()).text(text.strip())


def stands(call: ToolCall) -> str:
    """The true state of a call somebody else was faster with."""
    who = f" by {name_of(call.decided_by)}" if call.decided_by is not None else ""
    return f"This call is already {call.get_state_display().lower()}{who if call.decided_at else ''}."
