"""Plain wishes to see a table: what is in it, its first rows, or a chart of a question."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from runs.agent.providers.offline.document_phrases import without_politeness
from runs.agent.providers.offline.numbers import with_figures
from runs.agent.providers.offline.table_sources import (
    DESCRIBING,
    SHOWING,
    TableSource,
    Words,
    file_name,
    read_source,
    without_the_table,
)

View = Literal["description", "rows", "chart"]
ChartKind = Literal["", "bar", "line"]

MOST_ROWS: Final = 50
FEW_ROWS: Final = 5
_DRAW: Final = ("draw", "make", "create", "show", "give", "plot", "produce")
_SMALL_WORDS: Final = ("me", "the", "a", "an", "us")
_ROWS: Final = ("rows", "row", "lines", "line", "records", "record", "entries", "entry")
_CHARTS: Final = ("chart", "graph", "plot", "diagram")
_WHAT_IS: Final = {("what", "is"), ("what's",), ("whats",), ("what", "is", "there"), ("what", "stands")}


@dataclass(frozen=True, slots=True)
class TableView:
    """What is to be shown of a table."""

    view: View
    source: TableSource | None
    """None if no table is named."""
    most: int = 0
    """How many rows."""
    kind: ChartKind = ""
    """Of a chart; empty if none is named."""
    question: Words = ()
    """Of a chart."""


def read_view(asked: str, quotes: Sequence[str]) -> TableView | None:
    """The wish in a clause with `«n»` in place of quoted texts; None if it has another form."""
    for text in without_politeness(asked):
        for source, rest, is_named in _sources(tuple(text.split()), quotes):
            if found := _view(source, tuple(with_figures(" ".join(rest)).split()), is_named=is_named):
                return found
    return None


def _sources(words: Words, quotes: Sequence[str]) -> Iterator[tuple[TableSource | None, Words, bool]]:
    """The tables that the words may name, the other words, and whether they name one at all."""
    if words[-1:] and words[-1].lower() in ("contain", "contains", "have") and len(words) > 2:
        words = (*words[:-3], "what", "is", words[-2]) if words[-3].lower() in ("does", "do") else words
        words = words[1:] if words[:2] == ("what", "what") else words
    if found := read_source(words, quotes):
        yield *found, True
    if words and (name := file_name(words[-1], quotes)) and not any(file_name(word, quotes) for word in words[:-1]):
        yield TableSource(name), words[:-1], True
    rest, is_meant = without_the_table(words)
    yield None, rest, is_meant


def _view(source: TableSource | None, words: Words, *, is_named: bool) -> TableView | None:
    low = tuple(word.lower() for word in words)
    if is_named and (low in _WHAT_IS or _is_description(low)):
        return TableView("description", source)
    if most := _rows(low):
        return TableView("rows", source, most)
    return _chart(source, words, low)


def _is_description(low: Words) -> bool:
    if not low or low[0] not in (*DESCRIBING, *SHOWING):
        return False
    return all(word in _SMALL_WORDS or word in ("table", "file", "data") for word in low[1:])


def _rows(low: Words) -> int:
    """How many rows are to be shown; 0 if the words ask for something else."""
    while low and low[0] in (*SHOWING, *_SMALL_WORDS):
        low = low[1:]
    match low:
        case ("first" | "top", "few" | "some", noun) | ("few" | "some", "first", noun) if noun in _ROWS:
            return FEW_ROWS
        case ("first" | "top", noun) if noun in _ROWS:
            return 1 if not noun.endswith("s") else FEW_ROWS
        case ("first" | "top", number, noun) | (number, "first", noun) if noun in _ROWS and number.isdecimal():
            return min(int(number[:9]), MOST_ROWS + 1)
        case (number, noun) if noun in _ROWS and number.isdecimal():
            return min(int(number[:9]), MOST_ROWS + 1)
    return 0


def _chart(source: TableSource | None, words: Words, low: Words) -> TableView | None:
    at = 0
    while at < len(low) and low[at] in (*_DRAW, *_SMALL_WORDS):
        at += 1
    is_asked = "plot" in low[:at]
    kind: ChartKind = ""
    if low[at : at + 1] == ("bar",) or low[at : at + 1] == ("line",):
        kind = "bar" if low[at] == "bar" else "line"
        at += 1
    if low[at : at + 1] and low[at] in _CHARTS:
        is_asked = True
        at += 1
        if low[at : at + 1] and low[at] in ("of", "for", "with", "showing"):
            at += 1
    return TableView("chart", source, kind=kind, question=words[at:]) if is_asked and words[at:] else None
