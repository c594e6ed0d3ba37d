"""What is in a table: its columns with types and values, and its first rows."""

from typing import Any, Final

import duckdb

from runs.agent.sandbox.refusal import JobRefused
from runs.agent.tools.data.column_types import POINT
from runs.agent.tools.data.database import LoadedTable, close_to_the_outside, load, quoted
from runs.agent.tools.data.query_result import fetch, value_of
from runs.agent.tools.data.table_files import NamedTable, TableFile, tables_of

FIRST_ROWS: Final = 5
FIRST_ROWS_BYTES: Final = 6000
DESCRIBED_COLUMNS: Final = 60
NAMED_COLUMNS: Final = 400
SHORT_TEXT: Final = 80
"""Characters of the smallest and the largest text of a column."""
_UNORDERED: Final = ("JSON", "BOOLEAN")


def describe(connection: duckdb.DuckDBPyConnection, file: TableFile, sheet: str) -> dict[str, Any]:
    """The description of the file's table as JSON. Raises `JobRefused`."""
    sheets: list[str] = []
    chosen: NamedTable | None = None
    for each in tables_of(file):
        sheets.append(each.sheet)
        if chosen is None and sheet.casefold() in ("", each.sheet.casefold()):
            chosen = each
    if chosen is None:
        told = f"There are: {', '.join(sheets)}." if sheets != [""] else "It is no workbook."
        raise JobRefused(f"There is no sheet {sheet[:100]!r}. {told}")
    in_sql = chosen.name
    table = load(connection, chosen.raw, in_sql)
    close_to_the_outside(connection)
    [[rows]] = connection.execute(f"SELECT count(*) FROM {quoted(in_sql)}").fetchall()
    answer: dict[str, Any] = {
        "file": file.name,
        "table": in_sql,
        "rows": rows,
        "columns": [_column(connection, table, place) for place in range(min(len(table.columns), DESCRIBED_COLUMNS))],
        "first_rows": _first_rows(connection, table),
        "notes": list(table.notes),
    }
    more = [column.name for column in table.columns[DESCRIBED_COLUMNS:]]
    if more:
        answer["more_columns"] = more[:NAMED_COLUMNS]
        answer["notes"].append(f"It has {len(table.columns):,} columns; the first {DESCRIBED_COLUMNS} are described.")
    if len(sheets) > 1:
        answer["sheet"] = chosen.sheet
        answer["sheets"] = sheets
    return answer


def _column(connection: duckdb.DuckDBPyConnection, table: LoadedTable, place: int) -> dict[str, Any]:
    column = table.columns[place]
    name = quoted(column.name)
    limits = "NULL, NULL" if column.type in _UNORDERED else f"min({name}), max({name})"
    casts = f"left(CAST(least AS VARCHAR), {SHORT_TEXT}), left(CAST(most AS VARCHAR), {SHORT_TEXT})"
    if _is_number(column.type):
        casts = "least, most"
    [[filled, rows, distinct, least, most]] = connection.execute(
        f"SELECT filled, total, different, {casts} FROM (SELECT count({name}) AS filled, count(*) AS total, "
        f"count(DISTINCT {name}) AS different, {limits} FROM {quoted(table.name)}) "
        "AS figures(filled, total, different, least, most)"
    ).fetchall()
    told = {"name": column.name, "type": column.type, "empty": rows - filled, "distinct": distinct}
    if least is not None:
        told |= {"minimum": value_of(least, column.type), "maximum": value_of(most, column.type)}
    note = column.note or (_almost_numbers(connection, table, name, filled) if column.type == "VARCHAR" else "")
    return {**told, "note": note} if note else told


def _is_number(type_: str) -> bool:
    return type_ in ("BIGINT", "HUGEINT", "DOUBLE") or type_.startswith("DECIMAL")


def _almost_numbers(connection: duckdb.DuckDBPyConnection, table: LoadedTable, name: str, filled: int) -> str:
    """What keeps a column of numbers from being one."""
    fits = f"regexp_full_match({name}, '{POINT.pattern}') AND {name} <> ''"
    [[numbers, other]] = connection.execute(
        f"SELECT count_if({fits}), left(any_value({name}) FILTER (NOT ({fits})), 30) FROM {quoted(table.name)}"
    ).fetchall()
    if not filled > (numbers or 0) > filled / 2:
        return ""
    return f"{numbers} of {filled} values are numbers; it is text because of {other!r}: use TRY_CAST"


def _first_rows(connection: duckdb.DuckDBPyConnection, table: LoadedTable) -> list[list[Any]]:
    names = ", ".join(quoted(column.name) for column in table.columns[:DESCRIBED_COLUMNS])
    shown = f"SELECT {names} FROM {quoted(table.name)} LIMIT {FIRST_ROWS}"
    rows = fetch(connection, shown, most_rows=FIRST_ROWS, most_bytes=FIRST_ROWS_BYTES).rows
    return [[_short(cell) for cell in row] for row in rows]


def _short(cell: Any) -> Any:
    return f"{cell[:SHORT_TEXT]}…" if isinstance(cell, str) and len(cell) > SHORT_TEXT else cell
