"""A DuckDB database in memory with the tables of files, closed to everything else."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

from runs.agent.tools.data.column_types import column_types
from runs.agent.tools.data.raw_table import MAX_CELL_CHARACTERS, RawTable, Row

MEMORY: Final = "320MiB"
"""Of the 512 MiB of address space that the process may have, of which Python and DuckDB itself take about 120."""
_SETTINGS: Final[dict[str, str | bool | int | float | list[str]]] = {
    "threads": 1,
    "async_threads": 0,
    # Each column of a table takes at least a block; the default is 256 KiB.
    "default_block_size": 16384,
    "memory_limit": MEMORY,
    # What does not fit into memory is refused, not written to a disk.
    "temp_directory": "",
    "max_temp_directory_size": "0B",
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "allow_persistent_secrets": False,
    "python_enable_replacements": False,
}
_STAGE: Final = "staged_cells"


@dataclass(frozen=True, slots=True)
class LoadedColumn:
    """A column of a loaded table."""

    name: str
    type: str
    note: str


@dataclass(frozen=True, slots=True)
class LoadedTable:
    """A table in the database."""

    name: str
    columns: tuple[LoadedColumn, ...]
    notes: tuple[str, ...]
    """What a reader of the table should know: rows that did not fit, and the like."""


def connect() -> duckdb.DuckDBPyConnection:
    """An empty database in memory, without threads and extensions."""
    connection = duckdb.connect(":memory:", config=_SETTINGS)
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def close_to_the_outside(connection: duckdb.DuckDBPyConnection) -> None:
    """Refuse all access to files, networks and settings from now on."""
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def load(connection: duckdb.DuckDBPyConnection, raw: RawTable, name: str) -> LoadedTable:
    """Make a table of the raw one, each column with the type that all of its cells have."""
    _stage(connection, raw)
    types = column_types(connection, _STAGE, raw.kinds, raw.delimiter)
    kept = [
        (f"c{place}", column, type_)
        for place, (column, type_) in enumerate(zip(raw.columns, types, strict=True))
        if column not in raw.unused
    ]
    connection.execute(
        f"CREATE TABLE {quoted(name)} AS SELECT "
        f"{', '.join(f'{type_.sql.format(c=cell)} AS {quoted(column)}' for cell, column, type_ in kept)} FROM {_STAGE}"
    )
    connection.execute(f"DROP TABLE {_STAGE}")
    columns = tuple(LoadedColumn(column, type_.type, type_.note) for _, column, type_ in kept)
    return LoadedTable(name, columns, (*raw.notes, *_column_notes(columns)))


def _column_notes(columns: tuple[LoadedColumn, ...]) -> list[str]:
    return [f"{column.name}: {column.note}." for column in columns if column.note][:20]


def _stage(connection: duckdb.DuckDBPyConnection, raw: RawTable) -> None:
    """Load the cells as text. DuckDB reads a file of one form only, so that it has nothing to detect."""
    path = Path(f"{_STAGE}.csv")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
        rows = _CountedRows(raw.rows)
        writer.writerows(rows)
    columns = {f"c{place}": "VARCHAR" for place in range(len(raw.columns))}
    connection.execute(
        f"CREATE TABLE {_STAGE} AS SELECT * FROM read_csv($path, columns = $columns, nullstr = $null, header = false, "
        "auto_detect = false, delim = ',', quote = '\"', escape = '\"', comment = '', skip = 0, "
        "strict_mode = true, null_padding = false, parallel = false, max_line_size = $line)",
        {"path": str(path), "columns": columns, "null": raw.empty, "line": 4 * MAX_CELL_CHARACTERS},
    )
    path.unlink()
    [[read]] = connection.execute(f"SELECT count(*) FROM {_STAGE}").fetchall()
    if read != rows.number:
        raise ValueError(f"DuckDB read {read} of {rows.number} rows.")


class _CountedRows:
    """An iterator of rows that knows how many it has given."""

    def __init__(self, rows: Iterator[Row]) -> None:
        self._rows = rows
        self.number = 0

    def __iter__(self) -> Iterator[Row]:
        for row in self._rows:
            self.number += 1
            yield row


def quoted(name: str) -> str:
    """The name as an identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'
