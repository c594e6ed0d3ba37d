"""What became of a call whose outcome is unknown: asked in a step, and said by a person."""

from typing import TYPE_CHECKING, Any, Literal, cast
from uuid import UUID

from django.db import transaction

from runs.agent.approvals import outcome_question
from runs.agent.messages import ToolCall as Asked
from runs.engine.control.decisions import (
    DecisionRefused,
    add_result,
    check_run,
    go_on_if_decided,
    locked,
    record,
    stands,
    without_secrets,
)
from runs.engine.control.steps import add_step, name_of, place_of
from runs.models import Run, Step, ToolCall

if TYPE_CHECKING:
    from runs.agent.tools.protocol import Effect

Outcome = Literal["happened", "run_again"]
HAPPENED = "It happened: a person looked. What came out of it is not known."


@transaction.atomic
def settle(call_id: UUID | str, *, by: Any, outcome: Outcome, reason: str = "") -> ToolCall:
    """Say what became of a call whose outcome is unknown; the call as decided.

    "happened": `reason` is what came out of it, and the model's result. "run_again": it did not happen, it may start
    once more. (To stop the run, `cancel` it.) Raises `DecisionRefused` and `ToolCall.DoesNotExist`.
    """
    run, call = locked(call_id)
    check_run(run, call)
    if not run.calls.undecided().filter(pk=call.pk).exists():
        raise DecisionRefused("already_decided", stands(call), call)
    if run.waiting_for != Run.WaitingFor.DECISION:
        raise DecisionRefused("not_waiting", "The run does not wait for a decision.", call)
    reason = without_secrets(reason)
    who = name_of(by)
    if outcome == "happened":
        call.state = ToolCall.State.SUCCEEDED
        record(run, call, "happened", f"{who} says that {call.tool_name} happened.", by=who, user=by, reason=reason)
        add_result(run, call, reason or HAPPENED, by=who, tool_output=reason or HAPPENED)
    else:
        call.state, call.started_at, call.ended_at = ToolCall.State.APPROVED, None, None
        words = f"{who} says that {call.tool_name} did not happen: it runs again."
        record(run, call, "run_again", words, by=who, user=by, reason=reason)
    go_on_if_decided(run)
    return call


def ask_for_outcome(run: Run, call: ToolCall, why: str) -> None:
    """Ask, in a step of a locked run, what became of a call. The caller saves `next_sequence`."""
    asked = outcome_question(
        Asked(str(call.pk), call.tool_name, call.arguments, call.turn, call.index), cast("Effect", call.effect), why
    )
    columns = {name: asked.metadata[name] for name in ("tool_input", "severity")}
    metadata = {"asks": "outcome", "effect": call.effect}
    add_step(run, Step.Kind.APPROVAL, asked.content, metadata=metadata, **columns, **place_of(call))
