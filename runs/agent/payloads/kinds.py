"""The payload class of a step, by its kind and its stored metadata."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast, get_args

from runs.agent.payloads.absent import ABSENT
from runs.agent.payloads.json_form import from_json
from runs.agent.payloads.notes import (
    BadOutputPayload,
    CancelAskedPayload,
    CancelledAtOncePayload,
    CancelledPayload,
    ChildPayload,
    EndingPayload,
    NotePayload,
    RepeatsPayload,
    SoFarPayload,
    UnfinishedPayload,
    WindowPayload,
)
from runs.agent.payloads.steps import (
    AnswerPayload,
    DecisionPayload,
    ErrorPayload,
    MessagePayload,
    OtherPayload,
    QuestionPayload,
    RacePayload,
    RaceStartPayload,
    ReasoningPayload,
    RetryPayload,
    ToolCallPayload,
    ToolResultPayload,
)

NoteOfAnyKind = (
    NotePayload
    | WindowPayload
    | RepeatsPayload
    | ChildPayload
    | EndingPayload
    | BadOutputPayload
    | SoFarPayload
    | UnfinishedPayload
    | CancelAskedPayload
    | CancelledPayload
    | CancelledAtOncePayload
)
Payload = (
    ReasoningPayload
    | ToolCallPayload
    | ToolResultPayload
    | AnswerPayload
    | RetryPayload
    | RacePayload
    | RaceStartPayload
    | ErrorPayload
    | QuestionPayload
    | DecisionPayload
    | MessagePayload
    | NoteOfAnyKind
    | OtherPayload
)
"""The part of a step besides its kind, text and `StepFields`."""
PAYLOADS: tuple[type[Any], ...] = get_args(Payload)

_BY_KIND: dict[str, type[Any]] = {
    "reasoning": ReasoningPayload,
    "tool_call": ToolCallPayload,
    "tool_result": ToolResultPayload,
    "answer": AnswerPayload,
    "retry": RetryPayload,
    "race": RacePayload,
    "error": ErrorPayload,
    "message": MessagePayload,
}
_BY_NOTE: dict[str, type[Any]] = {
    "window": WindowPayload,
    "repeats": RepeatsPayload,
    "child": ChildPayload,
    "ending": EndingPayload,
    "bad_output": BadOutputPayload,
    "so_far": SoFarPayload,
    "unfinished": UnfinishedPayload,
    "cancel_asked": CancelAskedPayload,
    "cancelled": CancelledPayload,
}


def read_payload(kind: str, metadata: object) -> Payload:
    """The payload of a stored step of any version. Never raises.

    A key that is missing or has the wrong type gets its blank value (None, empty, false); unknown keys are ignored.
    """
    told = metadata if isinstance(metadata, Mapping) else {}
    return cast(Payload, from_json(_class_of(kind, told), told))


def _class_of(kind: str, told: Mapping[str, object]) -> type[Any]:
    if kind == "race" and "asked" in told:
        return RaceStartPayload
    if kind in _BY_KIND:
        return _BY_KIND[kind]
    if kind == "approval":
        return QuestionPayload if told.get("asks") else DecisionPayload
    if "proof" in told:
        return CancelledPayload
    return _BY_NOTE.get(str(told.get("note")), NotePayload)


def is_from_a_person(payload: Payload) -> bool:
    """True if the step comes from a person's action, or from a deadline for one."""
    match payload:
        case DecisionPayload() | CancelAskedPayload():
            return True
        case ToolResultPayload(by=by):
            return by is not ABSENT
        case NotePayload(by=by) | CancelledPayload(by=by) | CancelledAtOncePayload(by=by):
            return by is not None
        case _:
            return False


def ended_cards(payload: Payload) -> tuple[str, ...]:
    """The cards of the streamed replies that the step ends."""
    if isinstance(payload, RacePayload) and payload.cards:
        return payload.cards
    return (payload.card,) if payload.card else ()


def decides_turn(payload: Payload) -> bool:
    """True if a step with this payload is the reply of its turn and so ends every card of the turn.

    A failed attempt, a race and an unfinished reply end only their own cards.
    """
    return not isinstance(payload, RetryPayload | RacePayload | RaceStartPayload | UnfinishedPayload)


def in_claim(payload: Payload, epoch: int) -> Payload:
    """The payload with the claim's epoch in its card names, because each claim counts attempts from 1."""
    if payload.card is None:
        return payload
    payload = replace(payload, card=f"{epoch}-{payload.card}")
    if isinstance(payload, RacePayload):
        return replace(payload, cards=tuple(f"{epoch}-{card}" for card in payload.cards))
    return payload
