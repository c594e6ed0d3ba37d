"""What a finished turn adds to a run: something new, or a repetition of what the run has done and seen before.

The weight of a turn is 0 if one of its calls brought something new, and at most 1 if all of them repeat earlier ones.
The sum over turns in a row is the number of repeats, which `guard.py` compares with the limit.
"""

import json
import string
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, Literal, NamedTuple

from runs.agent.messages import ToolRequest, ToolResult, Turn
from runs.agent.tools.protocol import REPEATABLE, Effect

SAME: Final = 1.0
"""The same call with the same result as shortly before, or for the third time."""
CHANGED_FIGURES: Final = 0.5
"""The same call, and of its result only figures have changed, such as a time or a counter."""
SAME_ERROR: Final = 0.5
"""Another call, which failed as an earlier one did."""
SAME_CONTENT: Final = 0.5
"""Another call of a tool that only reads, with a long result that was there before."""
SEEN_AGAIN: Final = 0.25
"""What was seen once, many turns ago, is looked at again, as a person does who makes sure."""
NOTHING_FOUND: Final = 0.25
"""Another call of a tool that only reads, and again it found nothing."""

SHORT_CYCLE: Final = 3
"""A call that comes again within so many turns is part of a cycle: one call repeated, two or three by turns."""
LONG_RESULT_CHARS: Final = 200
"""Other questions may well have the same short answer ("true"), and hardly the same long one."""
COMPARED_CHARS: Final = 32_768
"""The beginning of a result that is compared without its figures; whole results are compared by their hash."""
_SPACES: Final = str.maketrans(dict.fromkeys(string.punctuation, " "))
_DIGITS: Final = frozenset(filter(str.isdigit, map(chr, range(0x10000))))
_EMPTY: Final = frozenset({"", "None", "[]", "{}"})
_KEPT_RESULTS: Final = 3
"""Results of one call that further ones are compared with without their figures."""
_SHORT_TEXT_CHARS: Final = 80
"""A text up to this length is compared itself, which takes a fifth of the time of its hash, and no more memory."""
_encode: Final = json.JSONEncoder(ensure_ascii=False, sort_keys=True, default=str).encode


_Key = Hashable


@dataclass(slots=True)
class _Seen:
    """How often something was there, and in which turn last."""

    times: int
    turn: int


@dataclass(slots=True)
class Repeats:
    """The calls and results of the run so far. Written for few calls of Python in a turn without repeats."""

    _turn: int = 0
    _pairs: dict[_Key, _Seen] = field(default_factory=dict)
    """Call and result."""
    _results_of: dict[_Key, list["_Kept"]] = field(default_factory=dict)
    """By call, its last results."""
    _results: set[_Key] = field(default_factory=set)
    """A tool with an error, a long result, or nothing found."""
    _reads: set["_Marks"] = field(default_factory=set)
    """Those of calls that only read, since the last change."""

    def weight_of(self, turn: Turn, rules: Sequence[tuple[Effect, bool]]) -> float | None:
        """Add the turn. Returns its weight, from 0 to 1; None if it says nothing: all its calls poll, or it has none.

        `rules` are, for each call, the effect of its tool, and whether the tool polls.
        """
        self._turn += 1
        weight: float | None = None
        marked = []
        for request, result, (effect, polls) in zip(turn.reply.calls, turn.results, rules, strict=True):
            marks = _marks_of(request, result)
            is_new = marks.call not in self._results_of and marks.result not in self._results
            of_call = 0.0 if is_new else self._weight(marks, result, effect)
            marked.append((marks, effect, result))
            is_waiting = of_call > 0 and polls
            if not is_waiting and (weight is None or of_call < weight):
                weight = of_call
        for each in marked:
            self._add(*each)
        return weight

    def _weight(self, marks: "_Marks", result: ToolResult, effect: Effect) -> float:
        if (seen := self._pairs.get(marks.pair)) is not None:
            is_near = self._turn - seen.turn <= SHORT_CYCLE
            return SAME if is_near or seen.times > 1 else SEEN_AGAIN
        if (earlier := self._results_of.get(marks.call)) and _is_like_one_of(earlier, _kept(result)):
            return CHANGED_FIGURES
        if marks.result not in self._results:
            return 0
        match marks.kind:
            case "error":
                return SAME_ERROR
            case "long" if effect in REPEATABLE:
                return SAME_CONTENT
            case "empty" if effect in REPEATABLE:
                return NOTHING_FOUND
            case _:
                return 0

    def _add(self, marks: "_Marks", effect: Effect, result: ToolResult) -> None:
        seen = self._pairs.get(marks.pair)
        if seen is None:
            if effect not in REPEATABLE and marks.kind != "error":
                self._forget_reads()
            self._pairs[marks.pair] = _Seen(1, self._turn)
            of_call = self._results_of.get(marks.call, ())
            self._results_of[marks.call] = [*of_call[1 - _KEPT_RESULTS :], _kept(result)]
        else:
            seen.times, seen.turn = seen.times + 1, self._turn
        if marks.kind != "other":
            self._results.add(marks.result)
        if effect in REPEATABLE:
            self._reads.add(marks)

    def _forget_reads(self) -> None:
        """Something was changed: to read again what may have changed with it is no repetition."""
        for marks in self._reads:
            self._pairs.pop(marks.pair, None)
            self._results_of.pop(marks.call, None)
            self._results.discard(marks.result)
        self._reads.clear()


class _Kept(NamedTuple):
    """A result that further ones are compared with without their figures."""

    succeeded: bool
    said: str | bytes
    """A short text as it is: its figures are looked for if its call comes again. The hash of a longer one without its
    figures."""


class _Marks(NamedTuple):
    """What identifies one call with its result."""

    call: _Key
    pair: _Key
    result: _Key
    kind: Literal["error", "empty", "long", "other"]


def _marks_of(request: ToolRequest, result: ToolResult) -> _Marks:
    # White space and case of arguments rarely mean anything.
    asked = " ".join(repr(sorted(request.arguments.items())).split()).casefold()
    call = _key(f"{request.tool_name} {asked}")
    said = _said(result)
    shown = _key(said)
    if result.error is not None:
        # It often names what was asked for: without words that the arguments have too, it is the same error.
        same = _key(_without(said, asked))
        return _Marks(call, (call, shown, "error"), ("error", request.tool_name, same), "error")
    kind: Literal["empty", "long", "other"] = "empty" if said in _EMPTY else "other"
    if len(said) >= LONG_RESULT_CHARS:
        kind = "long"
    return _Marks(call, (call, shown), (kind, request.tool_name, shown), kind)


def _key(text: str) -> str | bytes:
    """The text, or the hash of a longer one: a long run would keep all its texts in memory."""
    if len(text) <= _SHORT_TEXT_CHARS:
        return text
    return sha256(text.encode("utf-8", "surrogatepass")).digest()


def _said(result: ToolResult) -> str:
    if result.error is not None:
        return result.error.message
    return _encode(result.output) if isinstance(result.output, dict | list) else str(result.output)


def _words(text: str) -> list[str]:
    return text[:COMPARED_CHARS].translate(_SPACES).split()


def _kept(result: ToolResult) -> "_Kept":
    said = _said(result)
    return _Kept(result.error is None, said if len(said) <= _SHORT_TEXT_CHARS else _without_figures(said))


def _is_like_one_of(earlier: Iterable["_Kept"], kept: "_Kept") -> bool:
    """True if only figures have changed since one of the earlier results."""
    said = _without_figures(kept.said)
    return any(each.succeeded == kept.succeeded and _without_figures(each.said) == said for each in earlier)


def _without_figures(said: str | bytes) -> bytes:
    """The hash of a result in which each word that has a digit (a number, a time, an id) counts as the same."""
    if isinstance(said, bytes):
        return said
    words = ["#" if not _DIGITS.isdisjoint(word) else word for word in _words(said)]
    return sha256(" ".join(words).encode("utf-8", "surrogatepass")).digest()


def _without(text: str, asked: str) -> str:
    """The same, and with `#` for each word of `asked`, which is in small letters."""
    of_asked = set(_words(asked))
    words = _words(text)
    return " ".join(["#" if word.casefold() in of_asked or not _DIGITS.isdisjoint(word) else word for word in words])
