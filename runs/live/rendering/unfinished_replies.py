"""The view of an unfinished reply in its card."""

from dataclasses import dataclass

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, gettext_lazy

from runs.agent.payloads.notes import UnfinishedPayload
from runs.agent.payloads.steps import AnswerPayload
from runs.agent.text import counted
from runs.markdown import plain, visible
from runs.markup.parts import MAX_CHARS
from runs.models import Step


@dataclass(frozen=True, slots=True)
class Unfinished:
    """Facts about an unfinished reply, shown beside its text."""

    why: str
    """A word for scripts and styles."""
    why_words: str
    reasoning: SafeString
    """The reply's reasoning as HTML, if there is an answer text too; else empty."""
    length: str
    """The number of its words."""
    missing_chars: int
    """Further characters that were received and not kept."""
    goes_on: bool
    """True if the next reply continues it."""
    is_lane: bool
    """True if it was a lane of a race."""


_ENDINGS = {"cut": gettext_lazy("Cut at the limit"), "paused": gettext_lazy("Broken off")}


@dataclass(frozen=True, slots=True)
class EndingView:
    """The end of an incomplete answer."""

    name: str
    """A word for scripts and styles."""
    words: str
    reason: str
    """The provider's own word for it."""


def ending_of(step: Step) -> EndingView | None:
    """How an answer was cut short; None for a whole one."""
    match step.payload:
        case AnswerPayload(ending=str(name), ending_reason=reason):
            return EndingView(name, str(_ENDINGS.get(name, gettext_lazy("Unusual end"))), reason or "")
        case _:
            return None


def unfinished_of(step: Step) -> Unfinished | None:
    """The unfinished reply of the step; None for other steps."""
    why_words, told = step.unfinished_why, step.payload
    if why_words is None or not isinstance(told, UnfinishedPayload):
        return None
    reasoning = visible(told.reasoning)
    has_answer = bool(told.answer.strip())
    return Unfinished(
        why=told.why,
        why_words=gettext(why_words),
        reasoning=mark_safe(plain(reasoning[:MAX_CHARS])) if has_answer else SafeString(),  # noqa: S308  plain escapes
        length=counted(len((told.answer if has_answer else told.reasoning).split()), "word"),
        missing_chars=told.missing_chars,
        goes_on=told.goes_on,
        is_lane=told.in_race,
    )
