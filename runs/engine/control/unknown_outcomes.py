"""Calls whose outcome is unknown: a step asks a person, and the person settles it."""

from typing import TYPE_CHECKING, Any, Literal, cast
from uuid import UUID

from django.db import transaction

from runs.agent.messages import ToolInvocation
from runs.agent.payloads.steps import DecisionPayload
from runs.agent.step_sentences import HAPPENED, RESULT_UNKNOWN, RUNS_AGAIN
from runs.agent.tool_calls.approval_rules import outcome_question
from runs.agent.wording import Wording
from runs.engine.control.decision_log import (
    DecisionRefused,
    add_result,
    check_run,
    go_on_if_decided,
    locked,
    record,
    stands,
    without_secrets,
)
from runs.engine.control.permission_checks import check_may
from runs.engine.control.step_log import add_step, name_of, place_of
from runs.models import Run, Step, ToolCall
from runs.models.permissions import may_decide

if TYPE_CHECKING:
    from runs.agent.tools.protocol import Effect

Outcome = Literal["happened", "run_again"]


@transaction.atomic
def settle(call_id: UUID | str, *, by: Any, outcome: Outcome, reason: str = "") -> ToolCall:
    """Settle a call whose outcome is unknown. Returns the decided call.

    "happened": `reason` is its result for the model. "run_again": the call did not happen and may start once more.
    (`cancel` stops the run instead.) Raises `DecisionRefused`, `PermissionDenied` and `ToolCall.DoesNotExist`.
    """
    run, call = locked(call_id)
    check_may(may_decide, by, run)
    check_run(run, call)
    if not run.calls.undecided().filter(pk=call.pk).exists():
        raise DecisionRefused("already_decided", stands(call), call)
    if run.waiting_for not in Run.ASKING:
        raise DecisionRefused("not_waiting", Wording("The run does not wait for a decision."), call)
    reason = without_secrets(reason)
    who = name_of(by)
    if outcome == "happened":
        call.state = ToolCall.State.SUCCEEDED
        decided = DecisionPayload(decision="happened", by=who, reason=reason)
        record(run, call, HAPPENED.made(name=who, tool=call.tool_name), decided, user=by)
        result = reason or RESULT_UNKNOWN.made()
        add_result(run, call, result, by=who, tool_output=result)
    else:
        call.state, call.started_at, call.ended_at = ToolCall.State.APPROVED, None, None
        words = RUNS_AGAIN.made(name=who, tool=call.tool_name)
        record(run, call, words, DecisionPayload(decision="run_again", by=who, reason=reason), user=by)
    go_on_if_decided(run)
    return call


def ask_for_outcome(run: Run, call: ToolCall, why: str) -> None:
    """Add a step to a locked run that asks for the call's outcome. The caller saves `next_sequence`."""
    asked = outcome_question(
        ToolInvocation(str(call.pk), call.tool_name, call.arguments, call.turn, call.index),
        cast("Effect", call.effect),
        why,
    )
    columns = {"tool_input": asked.fields.tool_input, "severity": asked.fields.severity}
    add_step(run, Step.Kind.APPROVAL, asked.content, asked.payload, **columns, **place_of(call))
