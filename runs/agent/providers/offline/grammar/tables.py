"""Tables: totals, averages, counts and rankings of the columns of a file."""

from collections.abc import Sequence
from typing import Any, Final

from runs.agent.json_data.json_types import JsonMapping
from runs.agent.providers.offline.goals import Clause, Derived, Goal, ValueKind
from runs.agent.providers.offline.numbers import number_text
from runs.agent.providers.offline.table_questions import TableQuestion, Words, read_file, read_question
from runs.agent.providers.offline.table_sql import sql_for

_SPECIAL: Final = str.maketrans({character: f"\\{character}" for character in "\\`*_[]<>|#~"})
_COLUMNS: Final = (("how", "many", "columns"), ("number", "of", "columns"))
_COLUMN_NAMES: Final = (("columns",), ("which", "columns"), ("list", "columns"), ("names", "of", "the", "columns"))


def read_tables(clause: Clause, earlier: Sequence[Goal]) -> tuple[Goal, ...] | None:
    """A goal for `describe_table` and one for `query_table`, or None if no rule matches."""
    found = read_file(clause.text.split(), clause.quotes)
    if found is None:
        return None
    file, words = found
    if (about_columns := _about_columns(clause, file, words)) is not None:
        return (about_columns,)
    question = read_question(words)
    if question is None:
        return None
    known = next((place for place, goal in enumerate(earlier) if _describes(goal, file)), None)
    first = _description(clause, file)
    place = len(earlier) if known is None else known
    asked = _query(clause, file, question, place, " ".join(words))
    return (first, asked) if known is None else (asked,)


def _describes(goal: Goal, file: str) -> bool:
    return goal.tool_name == "describe_table" and goal.arguments == {"file": file} and goal.is_step


def _about_columns(clause: Clause, file: str, words: Words) -> Goal | None:
    low = [word.lower() for word in words]
    while low and low[-1] in ("are", "there"):
        low.pop()
    asked = tuple(low[1:] if low[:1] == ["the"] else low)
    if asked not in _COLUMNS and asked not in _COLUMN_NAMES:
        return None

    def say(_arguments: JsonMapping, output: Any) -> str:
        names = _column_names(output)
        listed = ", ".join(_plain(name) for name in names)
        return f"{_plain(file)} has **{len(names)}** columns: {listed}"

    return Goal(
        clause=clause.said,
        rule="the columns of a table",
        tool_name="describe_table",
        arguments={"file": file},
        say=say,
        kind="number" if asked in _COLUMNS else "other",
        value=lambda output: len(_column_names(output)),
    )


def _column_names(output: Any) -> list[str]:
    more: list[str] = output.get("more_columns", [])
    return [column["name"] for column in output["columns"]] + more


def _description(clause: Clause, file: str) -> Goal:
    return Goal(
        clause=clause.said,
        rule="the columns of a table",
        tool_name="describe_table",
        arguments={"file": file},
        say=lambda _arguments, _output: "",
        kind="other",
        is_step=True,
    )


def _query(clause: Clause, file: str, question: TableQuestion, described: int, words: str) -> Goal:
    def say(_arguments: JsonMapping, output: Any) -> str:
        return _sentence(f"{words[:1].upper()}{words[1:]} in {file}", output, is_list=bool(question.group))

    kind: ValueKind = "number" if question.function in ("count", "distinct") and not question.group else "other"
    return Goal(
        clause=clause.said,
        rule="a question about a table",
        tool_name="query_table",
        arguments={
            "sql": Derived(described, lambda output: sql_for(question, output, clause.quotes, clause.said)),
            "files": [file],
        },
        say=say,
        kind=kind,
        value=lambda output: output["rows"][0][0] if kind == "number" else output["rows"],
    )


def _sentence(asked: str, output: Any, *, is_list: bool) -> str:
    columns, rows = output["columns"], output["rows"]
    left_out = sum(row[-1] for row in rows) if columns[-1] == "left out" else 0
    at = 1 if is_list else 0
    measure = "" if columns[at] == "rows" or _is_named(columns[at], asked) else f" ({_plain(columns[at])})"
    if is_list:
        told = "; ".join(f"{_plain(row[0])} **{_plain(row[1])}**" for row in rows) or "**none**"
    else:
        told = f"**{_plain(rows[0][0])}**"
    parts = [f"{_plain(asked)}{measure}: {told}"]
    if left_out:
        parts.append(f"{left_out} rows without a value are left out")
    parts += [_plain(str(note).rstrip(".")) for note in [*output.get("notes", ()), *filter(None, [output.get("cut")])]]
    return ". ".join(parts)


def _is_named(column: str, asked: str) -> bool:
    """True if the question has the words of the column, or another word for its function."""
    function, _, name = column.partition(" ")
    return column in asked.lower() or (name in asked.lower() and function in ("highest", "lowest", "different"))


def _plain(value: Any) -> str:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return number_text(value)
    return "none" if value is None else str(value).translate(_SPECIAL)
