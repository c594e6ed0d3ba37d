"""Tables: totals, averages, counts and rankings of the columns of a file."""

from collections.abc import Sequence
from typing import Any, Final

from runs.agent.json_data.json_types import JsonMapping
from runs.agent.providers.offline.described_table import check_sheet
from runs.agent.providers.offline.document_phrases import without_politeness
from runs.agent.providers.offline.goals import Clause, Derived, Goal, TaskRefused, ValueKind
from runs.agent.providers.offline.grammar.table_views import description_step, view_goals
from runs.agent.providers.offline.table_figures import figure, has_cents, plain
from runs.agent.providers.offline.table_questions import TableQuestion, read_question
from runs.agent.providers.offline.table_sources import (
    TableSource,
    Words,
    file_name,
    read_source,
    sheet_before,
    without_the_table,
)
from runs.agent.providers.offline.table_sql import sql_for
from runs.agent.providers.offline.table_views import read_view

_COLUMNS: Final = (("how", "many", "columns"), ("number", "of", "columns"))
_COLUMN_NAMES: Final = (("columns",), ("which", "columns"), ("list", "columns"), ("names", "of", "the", "columns"))
_POINTING: Final = frozenset(("it", "that", "this", "them", "those", "these", "result", "answer", "documents", "files"))
"""Words of a question about something else than a table that nobody named."""


def read_tables(clause: Clause, earlier: Sequence[Goal]) -> tuple[Goal, ...] | None:
    """Goals for the table that a clause names, or None if no rule matches."""
    view = read_view(clause.asked, clause.quotes)
    if view is not None and view.source is not None:
        return view_goals(clause, view, view.source, earlier)
    found = read_source(clause.text.split(), clause.quotes)
    if found is None:
        return None
    # As written: "Two" is the name of a sheet, not a number.
    written = (read_source(text.split(), clause.quotes) for text in without_politeness(clause.asked))
    source = next((each[0] for each in written if each is not None), found[0])
    return _goals(clause, source, found[1], earlier)


def read_only_table(clause: Clause, earlier: Sequence[Goal]) -> tuple[Goal, ...] | None:
    """As `read_tables`, of a clause that names no table: it means the only one. Raises `TaskRefused` if there are
    several."""
    words = clause.text.split()
    if not clause.tables or any(file_name(word, clause.quotes) for word in words):
        return None
    if (goals := read_only_view(clause, earlier)) is None:
        is_workbook = clause.tables[0].lower().endswith(".xlsx")
        before, sheet = sheet_before(tuple(words), clause.quotes) if is_workbook else ((), "")
        source = TableSource(clause.tables[0], _sheet_as_written(clause) or sheet if sheet else "")
        rest, is_named = (before, True) if sheet else without_the_table(words)
        low = [word.lower() for word in rest]
        is_other = not is_named and not _POINTING.isdisjoint(low)
        is_several = any(word.endswith(",") for word in low) or ("and" in low and "where" not in low)
        goals = None if is_other or is_several else _goals(clause, source, rest, earlier)
    if goals:
        _check_only(clause)
    return goals


def _sheet_as_written(clause: Clause) -> str:
    """The sheet that the clause names before its numbers were made figures: "Two" is a name, not 2."""
    texts = (text.rstrip("?.!, ") for text in without_politeness(clause.asked))
    return next((sheet for text in texts if (sheet := sheet_before(tuple(text.split()), clause.quotes)[1])), "")


def read_only_view(clause: Clause, earlier: Sequence[Goal]) -> tuple[Goal, ...] | None:
    """Goals that show the only table, if the clause wants that and names none. Raises `TaskRefused`."""
    view = read_view(clause.asked, clause.quotes)
    is_of_a_file = not {"file", "file?"}.isdisjoint(clause.lower.split())
    if view is None or view.source is not None or not clause.tables or (is_of_a_file and not clause.has_one_file):
        return None
    _check_only(clause)
    return view_goals(clause, view, TableSource(clause.tables[0]), earlier)


def _check_only(clause: Clause) -> None:
    if len(clause.tables) > 1:
        told = ", ".join(clause.tables[:10])
        raise TaskRefused(f"there are several tables: {told}; say which one, for example in {clause.tables[0]}")


def _goals(clause: Clause, source: TableSource, words: Words, earlier: Sequence[Goal]) -> tuple[Goal, ...] | None:
    if (about_columns := _about_columns(clause, source, words)) is not None:
        return (about_columns,)
    question = read_question(words)
    if question is None:
        return None
    steps, place = description_step(clause, source, earlier)
    return (*steps, _Asked(clause, source, question, " ".join(words)).goal(place))


def _about_columns(clause: Clause, source: TableSource, words: Words) -> Goal | None:
    low = [word.lower() for word in words]
    while low and low[-1] in ("are", "there"):
        low.pop()
    asked = tuple(low[1:] if low[:1] == ["the"] else low)
    if asked not in _COLUMNS and asked not in _COLUMN_NAMES:
        return None

    def names_in(output: Any) -> list[str]:
        check_sheet(output, source)
        more: list[str] = output.get("more_columns", [])
        return [column["name"] for column in output["columns"]] + more

    def say(_arguments: JsonMapping, output: Any) -> str:
        names = names_in(output)
        listed = ", ".join(plain(name) for name in names)
        where = str(source)
        return (
            f"{plain(where[:1].upper() + where[1:] if source.sheet else where)} has **{len(names)}** columns: {listed}"
        )

    return Goal(
        clause=clause.said,
        rule="the columns of a table",
        tool_name="describe_table",
        arguments=source.arguments,
        say=say,
        kind="number" if asked in _COLUMNS else "other",
        value=lambda output: len(names_in(output)),
    )


class _Asked:
    """A question about a table, asked in SQL."""

    def __init__(self, clause: Clause, source: TableSource, question: TableQuestion, words: str) -> None:
        self._clause = clause
        self._source = source
        self._question = question
        self._words = words
        self._has_cents = False
        """Known with the description of the table, of which the SQL is made."""

    def goal(self, described: int) -> Goal:
        """The goal, which needs the description of that index."""
        question = self._question
        is_number = question.function in ("count", "distinct") and not question.group
        kind: ValueKind = "number" if is_number else "other"
        return Goal(
            clause=self._clause.said,
            rule="a question about a table",
            tool_name="query_table",
            arguments={"sql": Derived(described, self._sql), "files": [self._source.file]},
            say=self._say,
            kind=kind,
            value=lambda output: output["rows"][0][0] if is_number else output["rows"],
        )

    def _sql(self, described: Any) -> str:
        self._has_cents = has_cents(self._question, described, self._source)
        return sql_for(self._question, described, self._source, self._clause.quotes, self._clause.said)

    def _say(self, _arguments: JsonMapping, output: Any) -> str:
        columns, rows = output["columns"], output["rows"]
        asked = f"{self._words[:1].upper()}{self._words[1:]} in {self._source}"
        at = 1 if self._question.group else 0
        measure = "" if columns[at] == "rows" or _is_named(columns[at], asked) else f" ({plain(columns[at])})"
        parts = [f"{plain(asked)}{measure}: {self._told(rows)}"]
        left_out = sum(row[-1] for row in rows) if columns[-1] == "left out" else 0
        if left_out:
            parts.append(f"{left_out} rows without a value are left out")
        notes = [*output.get("notes", ()), *filter(None, [output.get("cut")])]
        return ". ".join([*parts, *(plain(str(note).rstrip(".")) for note in notes)])

    def _told(self, rows: Sequence[Any]) -> str:
        if self._question.group:
            return "; ".join(f"{plain(row[0])} **{self._figure(row[1])}**" for row in rows) or "**none**"
        return f"**{self._figure(rows[0][0])}**"

    def _figure(self, value: Any) -> str:
        return figure(value, self._question, cents=self._has_cents)


def _is_named(column: str, asked: str) -> bool:
    """True if the question has the words of the column, or another word for its function."""
    function, _, name = column.partition(" ")
    return column in asked.lower() or (name in asked.lower() and function in ("highest", "lowest", "different"))
