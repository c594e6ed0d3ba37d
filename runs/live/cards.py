"""What the card of a step shows, taken from its row and nothing else.

No user, no token and no "two minutes ago" goes in here: the same card is sent to everybody who watches.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.utils.safestring import SafeString

from runs.live import pictures
from runs.live.amounts import duration_text
from runs.live.long_texts import Fold, Rest, fold_argument, fold_arguments, fold_result, prose_of
from runs.live.offers import Button, ResumeButton, buttons_for, resume_for
from runs.live.pictures import Picture
from runs.live.proofs import Proof, proof_of
from runs.live.questions import Question, places_of, question_of
from runs.live.tables import DataTable, table_of
from runs.live.unfinished import Unfinished, ending_of, unfinished_of
from runs.markdown import visible
from runs.models import Step

MAX_TABLE_ROWS = 8

ICONS = {
    Step.Kind.REASONING: "brain",
    Step.Kind.TOOL_CALL: "wrench",
    Step.Kind.TOOL_RESULT: "corner-down-right",
    Step.Kind.ANSWER: "message-square-text",
    Step.Kind.RETRY: "rotate-cw",
    Step.Kind.RACE: "git-fork",
    Step.Kind.ERROR: "triangle-alert",
    Step.Kind.APPROVAL: "hand",
    Step.Kind.NOTE: "info",
}
"""Names of lucide icons."""

NOTE_ICONS = {
    "interrupted": "pause",
    "pause_asked": "pause",
    "paused": "pause",
    "resumed": "play",
    "cancel_asked": "hand",
    "cancelled": "octagon-x",
    "limit": "gauge",
    "window": "eye-off",
    "dropped_thoughts": "eye-off",
    "ending": "scissors",
    "without_tools": "wrench",
    "bad_output": "circle-x",
    "unfinished": "message-square-dashed",
}
"""Icons of the notes, by their metadata's `note`."""

ALL_ICONS = sorted({*ICONS.values(), *NOTE_ICONS.values(), "circle-x", "circle-question-mark", "lightbulb"})
"""Every icon a card may point at."""

CODES = {
    "timeout": "Timed out",
    "network": "Connection failed",
    "rate_limited": "Rate limited",
    "overloaded": "Overloaded",
    "server": "Server error",
    "refused": "Refused",
    "not_found": "Not found",
    "auth": "Not authorised",
    "bad_reply": "Unusable reply",
    "forbidden": "Not allowed",
    "out_of_money": "Out of credit",
    "context_overflow": "Too long for it",
    "no_tools": "Takes no tools",
    "wrong_address": "Wrong address",
    "blocked": "Blocked",
    "first_token_timeout": "Never began",
    "idle_timeout": "Fell silent",
    "asked_to_wait": "Asked to wait",
    "breaker_open": "Left alone",
}
"""What the codes of a model's failures are called. Others are shown as they are."""

FACTS = {
    "tool": "Tool",
    "provider": "Provider",
    "model": "Model",
    "status": "HTTP status",
    "request_id": "Request",
    "window_tokens": "Window in tokens",
}
"""What is shown of an error's context, and what it is called."""


@dataclass(slots=True)
class Card:
    """What the partials of a step show, besides the row itself."""

    icon: str
    prose: SafeString = field(default_factory=SafeString)
    rest: Rest | None = None
    """What `prose` lacks."""
    duration: str = ""
    rows: list[tuple[str, Fold]] | None = None
    """Arguments as name and value; None if they are shown as `output`."""
    output: Fold | None = None
    table: DataTable | None = None
    """An answer's data, if it is a table; otherwise it is `output`."""
    picture: Picture | None = None
    """The calls beside this one, or the lanes of a race."""
    call_state: str = ""
    call_label: str = ""
    cause: str = ""
    http_status: int | None = None
    advice: str = ""
    """What to do about a call that gave no result in time."""
    buttons: list[Button] = field(default_factory=list)
    """What a person can do about an error."""
    resume: ResumeButton | None = None
    """How the failed run can go on."""
    question: Question | None = None
    """What a person is asked about a call, or has answered."""
    undecided: tuple[str, ...] = ()
    """Where a question may be that nobody will answer any more: the call was stopped."""
    proof: Proof | None = None
    """What a stop did."""
    ending: str = ""
    """What an answer's badge says of its end, if that was not its own; empty for a whole one."""
    unfinished: Unfinished | None = None
    """What is told beside the words of a reply that was not finished."""
    facts: list[tuple[str, str]] = field(default_factory=list)
    """Which limit was met, and by whom."""
    was_cut_off: bool = False
    """True if an attempt failed in the middle of its reply."""
    ladder: list[str] = field(default_factory=list)
    """One word per attempt: `failed`, `next` or `left`."""
    next_at: datetime | None = None
    next_ms: int | None = None
    """When the next attempt comes, in milliseconds since the epoch."""


def card_of(step: Step) -> Card:
    """What the card of `step` shows."""
    card = Card(icon=ICONS.get(Step.Kind(step.kind), "info"), duration=_duration_of(step), ending=ending_of(step))
    match step.kind:
        case Step.Kind.TOOL_CALL:
            _add_arguments(card, step.tool_input)
            card.call_state, card.call_label = "started", "Asked for"
            card.picture = pictures.calls_of(step)
        case Step.Kind.TOOL_RESULT:
            _add_result(card, step)
            card.picture = pictures.calls_of(step)
        case Step.Kind.APPROVAL if (question := question_of(step)) is not None:
            card.question, (card.prose, card.rest) = question, prose_of(step)
            card.call_state, card.call_label = question.call_state, question.call_label
        case Step.Kind.RACE:
            card.prose, card.rest = prose_of(step)
            card.picture = pictures.race_of(step)
        case Step.Kind.RETRY:
            _add_attempts(card, step)
        case Step.Kind.ANSWER if "output" in step.metadata:
            card.table = table_of(step.metadata["output"])
            card.output = fold_result(step)
        case Step.Kind.ERROR:
            card.cause = _cause(step.metadata)
            card.prose, card.rest = prose_of(step)
            card.buttons = buttons_for(str(step.metadata.get("code") or ""))
            card.resume = resume_for(str(step.metadata.get("code") or ""))
            card.facts = _facts(step.metadata)
        case _:
            card.icon = NOTE_ICONS.get(step.metadata.get("note", ""), card.icon)
            card.proof = proof_of(step)
            card.unfinished = unfinished_of(step)
            card.prose, card.rest = prose_of(step)
    return card


def _duration_of(step: Step) -> str:
    if step.started_at is None or step.ended_at is None:
        return ""
    return duration_text((step.ended_at - step.started_at).total_seconds())


def _add_arguments(card: Card, arguments: Any) -> None:
    if isinstance(arguments, dict) and len(arguments) <= MAX_TABLE_ROWS:
        card.rows = [
            (visible(str(name)), fold_argument(index, value)) for index, (name, value) in enumerate(arguments.items())
        ]
    elif arguments:
        card.output = fold_arguments(arguments)


def _add_result(card: Card, step: Step) -> None:
    card.output = fold_result(step)
    card.cause = _cause(step.metadata) if step.severity else ""
    card.call_state, card.call_label = "succeeded", "Done"
    if step.severity:
        card.call_state, card.call_label, card.icon = "failed", "Failed", "circle-x"
    if step.metadata.get("code") in ("timeout", "tool_timeout", "outcome_unknown"):
        card.advice = visible(step.suggested_action)
    if step.metadata.get("code") in ("stopped", "outcome_unknown"):
        card.undecided = places_of(step)
    if step.metadata.get("code") == "denied":
        card.call_state, card.call_label, card.icon = "denied", "Denied", "hand"
    if step.metadata.get("code") == "outcome_unknown":
        card.call_state, card.call_label, card.icon = "unknown", "Outcome unknown", "circle-question-mark"


def _add_attempts(card: Card, step: Step) -> None:
    attempt, most = step.attempt or 1, step.max_attempts or step.attempt or 1
    next_at = step.metadata.get("next_at")
    if step.metadata.get("waits_only"):
        attempt = step.attempt or 0  # No attempt was made: the provider asked for this wait before it.
    card.ladder = ["failed"] * attempt + ["left"] * (most - attempt)
    card.cause = _cause(step.metadata)
    card.http_status = step.metadata.get("status")
    card.was_cut_off = step.metadata.get("phase") == "stream"
    card.output = fold_result(step)
    if isinstance(next_at, int | float):
        card.next_at, card.next_ms = datetime.fromtimestamp(next_at, UTC), round(next_at * 1000)
        card.ladder[attempt : attempt + 1] = ["next"]


def _cause(metadata: dict[str, Any]) -> str:
    code = str(metadata.get("code") or "")
    return CODES.get(code.removeprefix("model_"), visible(code.replace("_", " ").capitalize()))


def _facts(metadata: dict[str, Any]) -> list[tuple[str, str]]:
    """What an error's context says that helps to judge it."""
    context = metadata.get("context")
    if not isinstance(context, dict):
        return []
    facts = [(label, visible(str(context[name]))) for name, label in FACTS.items() if context.get(name)]
    if context.get("limit") and isinstance(limit_s := context.get("limit_s"), int | float):
        facts.append(("Limit", f"{context['limit']}, {duration_text(limit_s)}"))
    return facts
