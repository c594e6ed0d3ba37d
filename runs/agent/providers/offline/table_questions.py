"""Plain questions about a table, read into their parts without knowing its columns."""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final, Literal

from runs.agent.providers.offline.table_sources import Words

Function = Literal["sum", "avg", "median", "min", "max", "count", "distinct"]

FUNCTIONS: Final[dict[str, Function]] = {
    **dict.fromkeys(("total", "sum"), "sum"),
    **dict.fromkeys(("average", "mean"), "avg"),
    "median": "median",
    **dict.fromkeys(("highest", "maximum", "max", "largest", "biggest", "latest"), "max"),
    **dict.fromkeys(("lowest", "minimum", "min", "smallest", "earliest"), "min"),
}
COMPARATORS: Final[dict[Words, str]] = {
    ("more", "than"): ">",
    ("greater", "than"): ">",
    ("less", "than"): "<",
    ("at", "least"): ">=",
    ("at", "most"): "<=",
    **{(word,): ">" for word in ("over", "above", "after")},
    **{(word,): "<" for word in ("under", "below", "before")},
    ("since",): ">=",
    ("exactly",): "=",
    ("on",): "=",
}
_BARE: Final = {words for words in COMPARATORS if words[0] not in ("after", "before", "since", "on", "exactly")}
"""Comparators that may stand without the name of a column: "orders over 100"."""
_AFTER_COLUMN: Final = ("after", "before", "since")
"""Comparators behind the name of a column, without "where": "tickets opened after 2026-01-31"."""
_CONDITION: Final = ("where", "with", "whose", "having")
_FILLERS: Final = ("are", "there", "is", "of")
_ARTICLES: Final = ("the", "of", "all")


@dataclass(frozen=True, slots=True)
class TableQuestion:
    """A question about one table. Names are words of the user, to be found among its columns."""

    function: Function
    of: Words
    """The column, or for a count what is counted."""
    group: Words = ()
    conditions: tuple[Words, ...] = ()
    """Each in the user's words, from the name of its column or its comparator on."""
    top: int = 0
    """How many groups, ranked by the value; 0 for all, by name."""
    is_descending: bool = True
    is_per_row: bool = False
    """True if no function is named: it is the value of the row, where each group has one row."""
    needs_one_row: bool = False
    """True if a group of several rows has no clear answer."""


def read_question(words: Words) -> TableQuestion | None:
    """The question in these words; None if it has another form."""
    while words and words[-1].lower() in _FILLERS:
        words = words[:-1]
    low = tuple(word.lower() for word in words)
    while low[:1] in (("the",), ("a",)):
        words, low = words[1:], low[1:]
    match low:
        case ("how", "many", *_) | ("number", "of", *_):
            return _count(words[2:])
        case ("count", *_):
            return _count(words[1:])
        case ("top" | "bottom", number, *_) if number.isdecimal() and 1 <= int(number) <= 100:
            return _top(words[2:], int(number), is_descending=low[0] == "top")
        case ("which" | "what", *_) if ("has", "the") in pairwise(low):
            return _which(words[1:])
        case (function, *_) if function in FUNCTIONS:
            return _aggregate(words)
    return None


def _count(words: Words) -> TableQuestion | None:
    head, group, conditions = _sections(words)
    if head[:1] in (("different",), ("distinct",), ("unique",)):
        return TableQuestion("distinct", _bare(head[1:]), group, conditions) if head[1:] else None
    return TableQuestion("count", _bare(head), group, conditions) if head else None


def _aggregate(words: Words) -> TableQuestion | None:
    head, group, conditions = _sections(words)
    column = _bare(head[1:])
    return TableQuestion(FUNCTIONS[head[0].lower()], column, group, conditions) if column else None


def _top(words: Words, number: int, *, is_descending: bool) -> TableQuestion | None:
    ranked, measure, conditions = _sections(words)
    return _ranked(ranked, measure, conditions, number, is_descending=is_descending)


def _which(words: Words) -> TableQuestion | None:
    """`region has the highest total amount`"""
    head, group, conditions = _sections(words)
    low = tuple(word.lower() for word in head)
    if group or "has" not in low:
        return None
    at = low.index("has")
    if low[at + 1 : at + 2] != ("the",) or FUNCTIONS.get(low[at + 2] if len(low) > at + 2 else "") not in (
        "min",
        "max",
    ):
        return None
    is_descending = FUNCTIONS[low[at + 2]] == "max"
    asked = _ranked(head[:at], head[at + 3 :], conditions, 1, is_descending=is_descending)
    # "The highest amount" of a customer with many orders: of the largest order, or of all? Only one row is clear.
    return replace(asked, needs_one_row=asked.is_per_row) if asked else None


def _ranked(
    group: Words, measure: Words, conditions: tuple[Words, ...], number: int, *, is_descending: bool
) -> TableQuestion | None:
    if not group or not measure:
        return None
    function = FUNCTIONS.get(measure[0].lower())
    column = measure[1:] if function in ("sum", "avg") else measure
    if not column or function in ("min", "max", "median"):
        return None
    named: Function = function if function in ("sum", "avg") else "sum"
    return TableQuestion(named, _bare(column), group, conditions, number, is_descending, is_per_row=function is None)


def _sections(words: Words) -> tuple[Words, Words, tuple[Words, ...]]:
    """What is asked for, the group, and the conditions."""
    head: list[str] = []
    group: list[str] = []
    conditions: list[list[str]] = []
    into = head
    in_condition = has_group = False
    place = 0
    while place < len(words):
        word, pair = words[place].lower(), tuple(each.lower() for each in words[place : place + 2])
        length = 1
        if word in ("by", "per") or pair in (("for", "each"), ("grouped", "by")):
            into, in_condition, has_group = group, False, True
            length = 1 if word in ("by", "per") else 2
        elif word in _CONDITION or (word == "and" and in_condition):
            conditions.append(into := [])
            in_condition = True
        elif not in_condition and (pair in _BARE or (word,) in _BARE):
            conditions.append(into := [words[place]])
            in_condition = True
        elif not in_condition and word in _AFTER_COLUMN and place < len(words) - 1:
            conditions.append(into := [*([into.pop()] if len(into) > 1 else []), words[place]])
            in_condition = True
        else:
            into.append(words[place])
        place += length
    while head and head[-1].lower() in _FILLERS:
        head.pop()
    # An empty name is none of a column, so that "by" with nothing behind it is refused.
    named = _bare(tuple(group)) or (("",) if has_group else ())
    return tuple(head), named, tuple(tuple(each) for each in conditions)


def _bare(words: Words) -> Words:
    """The words without articles before them."""
    while words and words[0].lower() in _ARTICLES:
        words = words[1:]
    return words
