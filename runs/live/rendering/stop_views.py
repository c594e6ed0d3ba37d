"""The stop report in the card of the step that ended the run."""

from dataclasses import dataclass, field
from datetime import datetime

from django.utils.translation import gettext, gettext_lazy

from runs.agent.payloads.notes import CancelledPayload, FinishedCall, StoppedCall
from runs.agent.tool_calls.call_states import CALL_STATES, STOP_OUTCOMES
from runs.live.rendering.formatting import cost_text, duration_text, moment_of, tokens_text
from runs.markdown import visible
from runs.models import Step

REPLIES = {
    "not_begun": gettext_lazy("A model was asked and had not begun to answer."),
    "cut_off": gettext_lazy("Stopped mid-reply. Its cost was not reported."),
    "unknown": gettext_lazy("A model was being asked. Whether it answers and what that costs is not known."),
}

KEPT = gettext_lazy("Its words are kept below, as an unfinished reply.")


@dataclass(frozen=True, slots=True)
class CallLine:
    """One call and its outcome."""

    call_id: str
    tool_name: str
    words: str
    outcome: str = ""
    ran: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The stop report as the card shows it."""

    asked_by: str
    asked_at: datetime | None
    took: str
    forced_by: str
    reply: str
    tokens: str
    cost: str
    cost_is_known: bool
    awaited_children: bool = False
    """A call waited for its child run."""
    stopped: list[CallLine] = field(default_factory=list)
    finished: list[CallLine] = field(default_factory=list)


def proof_of(step: Step) -> Proof | None:
    """The stop report in the step's payload; None without one."""
    if not isinstance(step.payload, CancelledPayload) or step.payload.proof is None:
        return None
    told, tokens = step.payload.proof, step.payload.proof.tokens_after
    stopped = [_stopped(call) for call in told.stopped]
    reply = str(REPLIES.get(told.reply, ""))
    if told.keeps_words:
        reply = f"{reply or gettext('A model was being asked.')} {KEPT}"
    return Proof(
        asked_by=visible(told.asked_by or ""),
        asked_at=moment_of(told.asked_at),
        took=duration_text(told.took_s) if told.took_s else "",
        forced_by=visible(told.forced_by or ""),
        reply=reply or ("" if stopped else gettext("Nothing was running.")),
        tokens=gettext("unknown")
        if tokens is None
        else tokens_text(tokens, is_estimated=bool(told.tokens_are_estimated)),
        cost=cost_text(told.cost_after),
        cost_is_known=told.cost_after is not None,
        awaited_children=any(call.outcome == "awaited_child" for call in told.stopped),
        stopped=stopped,
        finished=[_finished(call) for call in told.finished],
    )


def _stopped(call: StoppedCall) -> CallLine:
    ran = "" if call.ran_s is None else duration_text(call.ran_s)
    words = gettext(STOP_OUTCOMES[call.outcome]) if call.outcome in STOP_OUTCOMES else call.outcome
    return CallLine(call.call_id, visible(call.tool_name), words, call.outcome, ran)


def _finished(call: FinishedCall) -> CallLine:
    return CallLine(call.call_id, visible(call.tool_name), _ended(call.state))


def _ended(state: str) -> str:
    """The label of a call state. A state stored by a later version is shown as it is."""
    return gettext(CALL_STATES[state].badge).lower() if state in CALL_STATES else state
