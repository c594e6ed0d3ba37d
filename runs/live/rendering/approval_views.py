"""The view of a question about a call, and of its answer."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.utils.translation import gettext, gettext_noop

from runs.agent.payloads.absent import ABSENT
from runs.agent.payloads.steps import ArgumentChange, DecisionPayload, QuestionPart, QuestionPayload
from runs.agent.tool_calls.call_states import CALL_STATES, DECISIONS, QUESTIONS, QuestionWords
from runs.agent.visible_text import exact
from runs.live.rendering.answer_form import AnswerForm
from runs.live.rendering.formatting import moment_of
from runs.live.rendering.long_texts import SHOWN_CHARS, arguments_length
from runs.markdown import visible
from runs.models import Step, Surface

ACTIONS_FORM: Final = "run-actions"
"""The id of the form that holds what a page sends about its run."""
_OWN_PAGES: Final = (Surface.PAGE, Surface.INBOX)
CHANGE_CHARS = 400
"""Shown characters of a changed argument in the card of a decision."""


@dataclass(frozen=True, slots=True)
class QuestionView:
    """A question about a call, or its answer."""

    asks: str
    """`approval`, `outcome` or `answer`; empty for an answer."""
    title: str
    call_state: str
    call_label: str
    element_id: str
    """The element with the buttons of the question."""
    replaces: tuple[str, ...] = ()
    """The elements whose buttons this answer removes."""
    by: str = ""
    where: str = ""
    """Where it was decided, as a part of a sentence; empty if it is not known, or as usual on a page of the site."""
    reason: str = ""
    changes: tuple[tuple[str, str, str], ...] = ()
    """Argument name, value before and value after; empty for no value."""
    arguments_hash: str = ""
    effect: str = ""
    """The effect of the call's tool, for a question."""
    expires_at: datetime | None = None
    expires_ms: int | None = None
    has_to_be_read: bool = False
    """True if the card cannot show all arguments: the call is approved on a page that does."""
    asked: QuestionPart | None = None
    """What a tool asks."""
    of_question: bool = False
    """True for the answer to what a tool asked."""

    @property
    def text(self) -> str:
        """What a tool asks; empty for another question."""
        return visible(self.asked.text) if self.asked is not None else ""

    @property
    def answer_form(self) -> AnswerForm | None:
        """The fields of the answer to what a tool asks."""
        return None if self.asked is None else AnswerForm.of_step(self.asked, form_id=ACTIONS_FORM)

    @property
    def step_icon(self) -> str:
        """The icon of the step's card."""
        return "message-circle-question-mark" if self.asked is not None or self.of_question else "hand"

    @property
    def icon(self) -> str:
        """The icon of the call's state."""
        return CALL_STATES[self.call_state].icon if self.call_state in CALL_STATES else "hand"


def question_of(step: Step) -> QuestionView | None:
    """The question of an approval step, or the answer in it; None for other steps."""
    if step.call_id is None:
        return None
    match step.payload:
        case QuestionPayload() as asked:
            return _open(step, asked)
        case DecisionPayload() as decided:
            return _answer(step, decided)
    return None


def _answer(step: Step, told: DecisionPayload) -> QuestionView:
    decision = DECISIONS.get(told.decision, QuestionWords("", gettext_noop("Decided")))
    if told.decision == "answered" and told.by is None:
        decision = QuestionWords(decision.state, gettext_noop("Not answered in time: the default counts"))
    return QuestionView(
        asks="",
        title=gettext(decision.title),
        call_state=decision.state,
        call_label=gettext(decision.title),
        element_id=_place(step, step.epoch),
        replaces=places_of(step),
        by=visible(told.by or ""),
        where=_where(told),
        reason=visible(told.reason),
        changes=tuple(_change(each) for each in told.changes),
        of_question=bool(told.question_id),
    )


def _where(told: DecisionPayload) -> str:
    if told.surface not in Surface.values or told.surface in _OWN_PAGES:
        return ""
    return str(Surface(told.surface).label)


def places_of(step: Step) -> tuple[str, ...]:
    """The elements that may hold a question about the step's call: asked under the same claim, or the one before."""
    return (_place(step, step.epoch), _place(step, step.epoch - 1)) if step.epoch else (_place(step, 0),)


def _open(step: Step, told: QuestionPayload) -> QuestionView:
    asked = QUESTIONS.get(told.asks, QUESTIONS["approval"])
    at = moment_of(told.expires_at or None)
    return QuestionView(
        asks=told.asks,
        title=gettext(asked.title),
        call_state=asked.state,
        call_label=gettext(CALL_STATES[asked.state].badge),
        element_id=_place(step, step.epoch),
        arguments_hash=told.arguments_hash,
        effect=told.effect,
        expires_at=at,
        expires_ms=None if at is None else round(at.timestamp() * 1000),
        asked=told.question,
        has_to_be_read=isinstance(step.tool_input, dict) and arguments_length(step.tool_input) > SHOWN_CHARS,
    )


def _place(step: Step, epoch: int) -> str:
    return f"decide-{step.call_id}-{epoch}"


def _change(told: ArgumentChange) -> tuple[str, str, str]:
    before, after = ("" if value is ABSENT else _short(repr(value)) for value in (told.before, told.after))
    return exact(told.name), before, after


def _short(text: str) -> str:
    """The first `CHANGE_CHARS` characters; the whole value is in the call and in the exports."""
    return exact(text if len(text) <= CHANGE_CHARS else text[:CHANGE_CHARS]) + ("…" if len(text) > CHANGE_CHARS else "")
