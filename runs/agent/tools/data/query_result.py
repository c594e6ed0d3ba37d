"""Rows of a query as JSON values: exact, finite, and no longer than asked for."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import duckdb

from runs.agent.json_data.json_values import as_storable_json
from runs.agent.sandbox.refusal import JobRefused

MAX_RESULT_COLUMNS: Final = 200
MAX_CELL_CHARACTERS: Final = 2000
"""Of a text in a result; the rest is cut, and says so."""
_FETCHED_AT_ONCE: Final = 100
_DEPTH: Final = 20
_AS_IS: Final = frozenset(
    {
        *("BOOLEAN", "VARCHAR", "DOUBLE", "FLOAT", "HUGEINT", "UHUGEINT"),
        *(f"{sign}{size}" for sign in ("", "U") for size in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT")),
    }
)
"""Types whose values in Python are those in DuckDB. Of a date without end or an interval of months that is not so."""


@dataclass(frozen=True, slots=True)
class QueryResult:
    """The beginning of a result, or all of it."""

    columns: list[str]
    types: list[str]
    rows: list[list[Any]]
    has_more: bool
    cut_cells: int
    """Texts that are not whole."""


def fetch(connection: duckdb.DuckDBPyConnection, select: str, *, most_rows: int, most_bytes: int) -> QueryResult:
    """Run the SELECT, and take as many rows as fit. Raises `JobRefused` with DuckDB's reason."""
    try:
        described = connection.execute(f"SELECT * FROM (\n{select}\n) LIMIT 0").description or []
        names, types = [str(each[0]) for each in described], [str(each[1]) for each in described]
        if len(names) > MAX_RESULT_COLUMNS:
            raise JobRefused(f"The result has {len(names):,} columns; name at most {MAX_RESULT_COLUMNS} of them.")
        cells = ", ".join(_read(f"#{place}", type_) for place, type_ in enumerate(types, 1))
        connection.execute(f"SELECT {cells} FROM (\n{select}\n) LIMIT {most_rows + 1}")
        return _fitting(connection, names, types, most_rows, most_bytes)
    except duckdb.Error as error:
        raise JobRefused(told(error)) from None


def told(error: duckdb.Error) -> str:
    """DuckDB's message without its picture of the query, which is not the one that was given."""
    if isinstance(error, duckdb.OutOfMemoryException):
        return "The query needs too much memory. Aggregate or filter earlier, and join on equal columns."
    message = str(error).partition("\n\nLINE ")[0].partition("\nPossible solutions")[0]
    # What `error('…')` of a query says is its own text, not an input that DuckDB finds invalid.
    return " ".join(message.split()).removeprefix("Invalid Input Error: ")[:1000]


def _read(cell: str, type_: str) -> str:
    if type_ in _AS_IS or type_.startswith("DECIMAL"):
        return cell
    if type_.startswith("ENUM") or type_ == "BLOB":
        return f"CAST({cell} AS VARCHAR)"
    is_nested = "(" in type_ or type_.endswith("]") or type_ == "VARIANT"
    return f"CAST(to_json({cell}) AS VARCHAR)" if is_nested else f"CAST({cell} AS VARCHAR)"


def _fitting(
    connection: duckdb.DuckDBPyConnection, names: list[str], types: list[str], most_rows: int, most_bytes: int
) -> QueryResult:
    rows: list[list[Any]] = []
    size = cut = 0
    for row in _rows(connection):
        values = [value_of(cell, type_) for cell, type_ in zip(row, types, strict=True)]
        whole = [_cut(value) for value in values]
        size += len(json.dumps(whole, ensure_ascii=False).encode())
        if len(rows) >= most_rows or size > most_bytes:
            return QueryResult(names, types, rows, has_more=True, cut_cells=cut)
        cut += sum(one is not other for one, other in zip(whole, values, strict=True))
        rows.append(whole)
    return QueryResult(names, types, rows, has_more=False, cut_cells=cut)


def _rows(connection: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    while rows := connection.fetchmany(_FETCHED_AT_ONCE):
        yield from rows


def value_of(cell: Any, type_: str) -> Any:
    """The cell as JSON: a decimal that no float is equal to as a string, as are numbers that are not finite."""
    match cell:
        case Decimal():
            return _number(cell)
        case str() if type_ != "VARCHAR" and cell[:1] in '[{"' and not type_.startswith(("ENUM", "BLOB")):
            try:
                value = json.loads(cell, parse_float=_json_number)
            except (ValueError, RecursionError):
                return as_storable_json(cell)
            return as_storable_json(cell if _is_deep(value) else value)
    return as_storable_json(cell)


def _is_deep(value: Any) -> bool:
    """True if lists and objects are nested more than `_DEPTH` levels: they are given as text."""
    level = [value]
    for _ in range(_DEPTH):
        level = [inner for each in level if isinstance(each, (list, dict)) for inner in _inside(each)]
    return any(isinstance(each, (list, dict)) for each in level)


def _inside(value: list[Any] | dict[str, Any]) -> Iterable[Any]:
    return value if isinstance(value, list) else value.values()


def _number(number: Decimal) -> int | float | str:
    if number == number.to_integral_value():
        return int(number)
    nearest = float(number)
    return nearest if Decimal(repr(nearest)) == number else str(number)


def _json_number(written: str) -> float | str:
    nearest = float(written)
    return nearest if Decimal(repr(nearest)) == Decimal(written) else written


def _cut(value: Any) -> Any:
    if isinstance(value, str) and len(value) > MAX_CELL_CHARACTERS:
        return f"{value[:MAX_CELL_CHARACTERS]}… [cut: {len(value):,} characters]"
    if isinstance(value, (list, dict)):
        text = json.dumps(value, ensure_ascii=False)
        if len(text) > MAX_CELL_CHARACTERS:
            return f"{text[:MAX_CELL_CHARACTERS]}… [cut: {len(text):,} characters of JSON]"
    return value
