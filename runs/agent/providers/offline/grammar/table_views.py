"""What is in a table, its first rows, and charts of it."""

from collections.abc import Sequence
from typing import Any

from runs.agent.json_data.json_types import JsonMapping
from runs.agent.providers.offline.described_table import check_sheet, identifier
from runs.agent.providers.offline.goals import Clause, Derived, Goal, TaskRefused
from runs.agent.providers.offline.markdown_text import code
from runs.agent.providers.offline.table_figures import plain
from runs.agent.providers.offline.table_questions import TableQuestion, read_question
from runs.agent.providers.offline.table_sources import TableSource
from runs.agent.providers.offline.table_sql import columns_of, sql_for
from runs.agent.providers.offline.table_views import MOST_ROWS, TableView
from runs.agent.text import counted

_SHOWN_COLUMNS = 12
_KINDS = {"VARCHAR": "text", "DATE": "dates", "TIMESTAMP": "times", "BOOLEAN": "true or false", "JSON": "JSON"}


def view_goals(
    clause: Clause, view: TableView, source: TableSource, earlier: Sequence[Goal]
) -> tuple[Goal, ...] | None:
    """The goals that show a table; None for a chart of no question that I know. Raises `TaskRefused`."""
    if view.view == "description":
        return (_description(clause, source),)
    if view.view == "rows" and view.most > MOST_ROWS:
        raise TaskRefused(f"at most {MOST_ROWS} rows are shown at once")
    steps, place = description_step(clause, source, earlier)
    if view.view == "rows":
        return (*steps, _rows(clause, source, view.most, place))
    question = read_question(view.question)
    if question is None:
        return None
    if not question.group:
        raise TaskRefused("a chart compares groups; say “by” and the name of a column, as in “total amount by region”")
    return (*steps, _chart(clause, source, view, question, place))


def description_step(clause: Clause, source: TableSource, earlier: Sequence[Goal]) -> tuple[tuple[Goal, ...], int]:
    """The goal that describes the table first, and its index; no goal if an earlier one does."""
    for place, goal in enumerate(earlier):
        if goal.tool_name == "describe_table" and goal.arguments == source.arguments and goal.is_step:
            return (), place
    step = Goal(
        clause=clause.said,
        rule="the columns of a table",
        tool_name="describe_table",
        arguments=source.arguments,
        say=lambda _arguments, _output: "",
        kind="other",
        is_step=True,
    )
    return (step,), len(earlier)


def _description(clause: Clause, source: TableSource) -> Goal:
    def say(_arguments: JsonMapping, output: Any) -> str:
        columns = output["columns"]
        sheet = f", sheet {plain(output['sheet'])}," if output.get("sheet") else ""
        number = len(columns) + len(output.get("more_columns", ()))
        lines = [
            f"{plain(output['file'])}{sheet} has **{counted(output['rows'], 'row')}** and **{number}** columns:",
            "",
            *(f"- {_column(column)}" for column in columns),
        ]
        if output.get("more_columns"):
            lines.append(f"- and {len(output['more_columns'])} more")
        notes = list(output["notes"])
        if others := [each for each in output.get("sheets", ()) if each != output["sheet"]]:
            notes.append(f"Its other sheets: {', '.join(others)}")
        return "\n".join(lines) + "".join(f"\n\n{plain(str(note).rstrip('.'))}." for note in notes)

    return Goal(
        clause=clause.said,
        rule="the description of a table",
        tool_name="describe_table",
        arguments=source.arguments,
        say=say,
        kind="other",
    )


def _column(column: JsonMapping) -> str:
    type_ = str(column["type"])
    told = [_KINDS.get(type_, "numbers" if type_.startswith(("BIGINT", "HUGEINT", "DOUBLE", "DECIMAL")) else "values")]
    if "minimum" in column and type_ not in ("VARCHAR", "BOOLEAN"):
        told.append(f"from {plain(column['minimum'])} to {plain(column['maximum'])}")
    else:
        told.append(f"{column['distinct']} different")
    if column["empty"]:
        told.append(f"{column['empty']} empty")
    return f"**{plain(column['name'])}**: {', '.join(told)}"


def _rows(clause: Clause, source: TableSource, most: int, described: int) -> Goal:
    def sql(output: Any) -> str:
        check_sheet(output, source)
        names = ", ".join(identifier(column["name"]) for column in output["columns"][:_SHOWN_COLUMNS])
        return f"SELECT {names} FROM {identifier(output['table'])} LIMIT {most}"  # noqa: S608 - quoted names only

    def say(_arguments: JsonMapping, output: Any) -> str:
        rows = output["rows"]
        head = f"The first {counted(len(rows), 'row')} of {plain(str(source))}:"
        lines = [_line(output["columns"]), _line(["---"] * len(output["columns"])), *map(_line, rows)]
        return f"{head}\n\n" + "\n".join(lines)

    return Goal(
        clause=clause.said,
        rule="the first rows of a table",
        tool_name="query_table",
        arguments={"sql": Derived(described, sql), "files": [source.file]},
        say=say,
        kind="other",
        value=lambda output: output["rows"],
    )


def _line(cells: Sequence[Any]) -> str:
    return f"| {' | '.join('' if cell is None else ' '.join(plain(cell).split()) for cell in cells)} |"


def _chart(clause: Clause, source: TableSource, view: TableView, question: TableQuestion, described: int) -> Goal:
    words = " ".join(view.question)
    title = f"{words[:1].upper()}{words[1:]}"[:100]

    def kind(output: Any) -> str:
        group, _ = columns_of(question, output, source)
        return view.kind or ("line" if group["type"] in ("DATE", "TIMESTAMP") else "bar")

    def say(_arguments: JsonMapping, output: Any) -> str:
        return f"{plain(title)} in {plain(str(source))}: the chart is the file {code(output['chart']['name'])}."

    return Goal(
        clause=clause.said,
        rule="a chart of a table",
        tool_name="make_chart",
        arguments={
            "sql": Derived(described, lambda output: sql_for(question, output, source, clause.quotes, clause.said)),
            "files": [source.file],
            "kind": Derived(described, kind),
            "x": Derived(described, lambda output: columns_of(question, output, source)[0]["name"]),
            "y": Derived(described, lambda output: [columns_of(question, output, source)[1]]),
            "title": title,
        },
        say=say,
        kind="other",
    )
