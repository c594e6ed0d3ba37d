"""What a stop did, as the card of the step that ended the run shows it."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from runs.live.amounts import dollars, duration_text, tokens_text
from runs.markdown import visible
from runs.models import Step

OUTCOMES = {
    "not_started": "it had not started",
    "no_effect": "it changes nothing, so nothing is left of it",
    "unknown": "it may or may not have happened",
}
STATES = {
    "succeeded": "done",
    "failed": "failed",
    "denied": "denied",
    "unknown": "outcome unknown",
}
REPLIES = {
    "not_begun": "A model was being asked and had not begun to answer.",
    "cut_off": "A model's reply was cut off in the middle. What it cost is not known.",
    "unknown": "A model was being asked. Whether it answers and what that costs is not known.",
}

KEPT = "What it had said by then is kept above, as an unfinished reply."


@dataclass(frozen=True, slots=True)
class CallLine:
    """One call, and what became of it."""

    call_id: str
    tool_name: str
    words: str
    outcome: str = ""
    ran: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What the card shows."""

    asked_by: str
    asked_at: datetime | None
    took: str
    forced_by: str
    reply: str
    tokens: str
    cost: str
    stopped: list[CallLine] = field(default_factory=list)
    finished: list[CallLine] = field(default_factory=list)


def proof_of(step: Step) -> Proof | None:
    """The proof in the step's metadata; None for a step that has none."""
    told = step.metadata.get("proof")
    if not isinstance(told, dict):
        return None
    asked_at, took_s, tokens = told.get("asked_at"), told.get("took_s"), told.get("tokens_after")
    cost = told.get("cost_after")
    stopped = [_stopped(call) for call in told.get("stopped", ())]
    reply = REPLIES.get(str(told.get("reply")), "")
    if told.get("keeps_words"):
        reply = f"{reply or 'A model was being asked.'} {KEPT}"
    return Proof(
        asked_by=visible(str(told.get("asked_by") or "")),
        asked_at=datetime.fromisoformat(asked_at) if asked_at else None,
        took=duration_text(took_s) if took_s else "",
        forced_by=visible(str(told.get("forced_by") or "")),
        reply=reply or ("" if stopped else "Nothing was running."),
        tokens="unknown"
        if tokens is None
        else tokens_text(tokens, is_estimated=bool(told.get("tokens_are_estimated"))),
        cost="unknown" if cost is None else dollars(Decimal(cost)),
        stopped=stopped,
        finished=[_finished(call) for call in told.get("finished", ())],
    )


def _stopped(call: dict[str, Any]) -> CallLine:
    outcome, ran_s = str(call["outcome"]), call.get("ran_s")
    ran = "" if ran_s is None else duration_text(ran_s)
    return CallLine(call["call_id"], visible(call["tool_name"]), OUTCOMES.get(outcome, outcome), outcome, ran)


def _finished(call: dict[str, Any]) -> CallLine:
    return CallLine(call["call_id"], visible(call["tool_name"]), STATES.get(call["state"], call["state"]))
