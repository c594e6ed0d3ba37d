"""What is left of a reply that was not finished, as its card shows it."""

from dataclasses import dataclass

from django.utils.safestring import SafeString, mark_safe

from runs.markdown import plain, visible
from runs.markup.parts import MAX_CHARS
from runs.models import Step


@dataclass(frozen=True, slots=True)
class Unfinished:
    """What the card shows beside the words."""

    why: str
    """A word for scripts and styles."""
    why_words: str
    reasoning: SafeString
    """As HTML, where it is not the words themselves; empty without any."""
    missing_chars: int
    """So many more characters were said and not kept."""
    goes_on: bool
    """The next reply goes on from it."""
    is_lane: bool
    """It was said in a race, beside others."""


_ENDINGS = {"cut": "Cut at the limit", "paused": "Broken off"}


def ending_of(step: Step) -> str:
    """What an answer's badge says of its end; empty if it is whole."""
    ending = step.metadata.get("ending")
    return "" if ending is None else _ENDINGS.get(str(ending), "Unusual end")


def unfinished_of(step: Step) -> Unfinished | None:
    """What the step tells of a reply that was not finished; None if it tells of none."""
    why_words = step.unfinished_why
    if why_words is None:
        return None
    told = step.metadata
    reasoning = visible(str(told.get("reasoning") or ""))
    has_answer = bool(str(told.get("answer") or "").strip())
    missing = told.get("missing_chars")
    return Unfinished(
        why=str(told.get("why") or ""),
        why_words=why_words,
        reasoning=mark_safe(plain(reasoning[:MAX_CHARS])) if has_answer else SafeString(),  # noqa: S308  plain escapes
        missing_chars=missing if isinstance(missing, int) else 0,
        goes_on=bool(told.get("goes_on")),
        is_lane=bool(told.get("in_race")),
    )
