"""What a finished turn adds to a run: something new, or a repetition of what the run has done and seen before.

The weight of a turn is 0 if one of its calls brought something new, and at most 1 if all of them repeat earlier ones.
The sum over turns in a row is the number of repeats, which `guard.py` compares with the limit.
"""

import hashlib
import json
import string
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from runs.agent.json_data.stable_json import stable_json
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
_EMPTY: Final = frozenset({"", "null", "[]", "{}"})


@dataclass(slots=True)
class _Seen:
    """How often something was there, and in which turn last."""

    times: int
    turn: int


@dataclass(slots=True)
class Repeats:
    """The calls and results of the run so far, by hashes."""

    _turn: int = 0
    _pairs: dict[bytes, _Seen] = field(default_factory=dict)
    """Call and result."""
    _pairs_without_figures: set[bytes] = field(default_factory=set)
    _results: set[bytes] = field(default_factory=set)
    """A tool with an error, a long result, or nothing found."""
    _reads: set["_Marks"] = field(default_factory=set)
    """Those of calls that only read, since the last change."""

    def weight_of(self, turn: Turn, effects: Sequence[Effect], polls: Sequence[bool]) -> float | None:
        """Add the turn. Returns its weight, from 0 to 1; None if it says nothing: all its calls poll, or it has none.

        `effects` and `polls` are those of the tools of its calls.
        """
        self._turn += 1
        calls = zip(turn.reply.calls, turn.results, effects, polls, strict=True)
        marked = [(_Marks.of(request, result), effect, is_polled) for request, result, effect, is_polled in calls]
        weights = [self._weight(marks, effect) for marks, effect, is_polled in marked]
        for marks, effect, _ in marked:
            self._add(marks, effect)
        is_waiting = [bool(weight) and is_polled for weight, (_, _, is_polled) in zip(weights, marked, strict=True)]
        return min((each for each, waits in zip(weights, is_waiting, strict=True) if not waits), default=None)

    def _weight(self, marks: "_Marks", effect: Effect) -> float:
        if (seen := self._pairs.get(marks.pair)) is not None:
            is_near = self._turn - seen.turn <= SHORT_CYCLE
            return SAME if is_near or seen.times > 1 else SEEN_AGAIN
        if marks.pair_without_figures in self._pairs_without_figures:
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

    def _add(self, marks: "_Marks", effect: Effect) -> None:
        is_new = marks.pair not in self._pairs
        if is_new and effect not in REPEATABLE and marks.kind != "error":
            self._forget_reads()
        seen = self._pairs.setdefault(marks.pair, _Seen(0, self._turn))
        seen.times, seen.turn = seen.times + 1, self._turn
        self._pairs_without_figures.add(marks.pair_without_figures)
        self._results.add(marks.result)
        if effect in REPEATABLE:
            self._reads.add(marks)

    def _forget_reads(self) -> None:
        """Something was changed: to read again what may have changed with it is no repetition."""
        for marks in self._reads:
            self._pairs.pop(marks.pair, None)
            self._pairs_without_figures.discard(marks.pair_without_figures)
            self._results.discard(marks.result)
        self._reads.clear()


@dataclass(frozen=True, slots=True)
class _Marks:
    """The hashes of one call with its result."""

    pair: bytes
    pair_without_figures: bytes
    result: bytes
    kind: str
    """`error`, `empty`, `long` or `other`."""

    @classmethod
    def of(cls, request: ToolRequest, result: ToolResult) -> "_Marks":
        call = _text([request.tool_name, _plain(request.arguments)])
        said = _text(result.error.message if result.error is not None else result.output)
        kind = _kind(result, said)
        # An error often names what was asked for: without words that the arguments have too, it is the same error.
        told = _without(said, request.arguments) if kind == "error" else said
        return cls(
            _hash(call, kind == "error", said),
            _hash(call, kind == "error", _without_figures(said)),
            _hash(request.tool_name, kind, told),
            kind,
        )


def _kind(result: ToolResult, said: str) -> str:
    if result.error is not None:
        return "error"
    if said in _EMPTY:
        return "empty"
    return "long" if len(said) >= LONG_RESULT_CHARS else "other"


def _plain(value: Any) -> Any:
    """The arguments without differences in white space and case, which rarely mean anything."""
    match value:
        case str():
            return " ".join(value.split()).casefold()
        case dict():
            return {name: _plain(each) for name, each in value.items()}
        case list():
            return [_plain(each) for each in value]
        case _:
            return value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(stable_json(value), ensure_ascii=False)


def _words(text: str) -> list[str]:
    return text[:COMPARED_CHARS].translate(_SPACES).split()


def _without_figures(text: str) -> str:
    """The text with `#` for each word that has a digit: numbers, times, ids."""
    return " ".join("#" if any(map(str.isdigit, word)) else word for word in _words(text))


def _without(text: str, arguments: Any) -> str:
    asked = {word.casefold() for word in _words(_text(arguments))}
    return " ".join("#" if word.casefold() in asked or any(map(str.isdigit, word)) else word for word in _words(text))


def _hash(*parts: object) -> bytes:
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogatepass")).digest()[:16]
