"""What is shown of a question to a person about a call, and of the answer."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from runs.markdown import visible
from runs.models import Step

OPEN_TITLES = {"approval": "Approval needed", "outcome": "Outcome unknown"}
ANSWERS = {
    "approved": ("approved", "Approved"),
    "denied": ("denied", "Denied"),
    "happened": ("succeeded", "Said to have happened"),
    "run_again": ("approved", "Runs again"),
}
"""State of the call and its words, by decision."""
STATES = {"approval": ("awaiting_approval", "Needs approval"), "outcome": ("unknown", "Outcome unknown")}


@dataclass(frozen=True, slots=True)
class Question:
    """A question about a call, or what has become of it."""

    asks: str
    """`approval` or `outcome`; empty for an answer."""
    title: str
    call_state: str
    call_label: str
    element_id: str
    """Where the buttons of the question are."""
    replaces: tuple[str, ...] = ()
    """Where the buttons are that an answer takes away."""
    by: str = ""
    reason: str = ""
    changes: tuple[tuple[str, str, str], ...] = ()
    """Name of an argument, what it was and what it is; empty for nothing."""
    arguments_hash: str = ""
    expires_at: datetime | None = None
    expires_ms: int | None = None


def question_of(step: Step) -> Question | None:
    """The question an approval step asks, or the answer it gives; None for other steps."""
    if step.kind != Step.Kind.APPROVAL or step.call_id is None:
        return None
    told = step.metadata
    if asks := str(told.get("asks") or ""):
        return _open(step, asks)
    state, title = ANSWERS.get(str(told.get("decision")), ("", "Decided"))
    return Question(
        asks="",
        title=title,
        call_state=state,
        call_label=title,
        element_id=_place(step, step.epoch),
        replaces=places_of(step),
        by=visible(str(told.get("by") or "")),
        reason=visible(str(told.get("reason") or "")),
        changes=tuple(_change(each) for each in told.get("changes") or ()),
    )


def places_of(step: Step) -> tuple[str, ...]:
    """Where the buttons of a question about the step's call may be: asked in the same claim, or in the one before."""
    return (_place(step, step.epoch), _place(step, step.epoch - 1)) if step.epoch else (_place(step, 0),)


def _open(step: Step, asks: str) -> Question:
    state, label = STATES.get(asks, STATES["approval"])
    expires = step.metadata.get("expires_at")
    at = datetime.fromtimestamp(expires, UTC) if isinstance(expires, int | float) else None
    return Question(
        asks=asks,
        title=OPEN_TITLES.get(asks, OPEN_TITLES["approval"]),
        call_state=state,
        call_label=label,
        element_id=_place(step, step.epoch),
        arguments_hash=str(step.metadata.get("arguments_hash") or ""),
        expires_at=at,
        expires_ms=None if at is None else round(at.timestamp() * 1000),
    )


def _place(step: Step, epoch: int) -> str:
    return f"decide-{step.call_id}-{epoch}"


def _change(told: dict[str, Any]) -> tuple[str, str, str]:
    before, after = (repr(told[name])[:400] if name in told else "" for name in ("before", "after"))
    return visible(str(told.get("name"))), visible(before), visible(after)
