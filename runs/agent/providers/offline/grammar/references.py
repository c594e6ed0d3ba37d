"""References to earlier results: "the result", "it", "both results"."""

import re
from collections.abc import Sequence

from runs.agent.providers.offline.goals import Goal, ValueKind

_NOUN = r"(?:results?|answers?|numbers?|values?|totals?|sum|product|outcome|figure)"
_ORDINALS = ("first", "second", "third", "fourth")
_NTH = re.compile(rf"\bthe ({'|'.join(_ORDINALS)})(?: {_NOUN}| one)?\b")
_ALL = re.compile(
    r"\b(?:(?:both|all|the two|all the|both the|these|those|the) (?:of )?(?:the |these |those )?(?:two |three )?"
    r"(?:results|answers|numbers|values|totals)|(?:both|all) of them|both|them|the two)\b"
)
# "the sum of 2 and 3" is no reference.
_LATEST = re.compile(
    rf"\b(?:(?:the|that|this)(?: (?:previous|last|above|final|resulting))? {_NOUN}(?! of\b)|it|that|this|result)\b"
)


def latest(earlier: Sequence[Goal], kind: ValueKind) -> int | None:
    """The index of the last goal if its value is of that kind."""
    return len(earlier) - 1 if earlier and earlier[-1].kind == kind else None


def with_references(text: str, earlier: Sequence[Goal]) -> str:
    """The lower-case text with `#n` in place of references to earlier numbers; others are kept."""
    told = [place for place, goal in enumerate(earlier) if not goal.is_step]
    numbers = [place for place in told if earlier[place].kind == "number"]

    def nth(match: re.Match[str]) -> str:
        place = _ORDINALS.index(match[1])
        return f"#{told[place]}" if place < len(told) and told[place] in numbers else match[0]

    text = _NTH.sub(nth, text)
    if len(numbers) > 1:
        text = _ALL.sub(" and ".join(f"#{place}" for place in numbers), text)
    result = latest(earlier, "number")
    return text if result is None else _LATEST.sub(f"#{result}", text)
