"""Files as named tables of one database."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from runs.agent.sandbox.refusal import JobRefused
from runs.agent.tools.data.csv_table import read_csv_table
from runs.agent.tools.data.database import LoadedTable, load, quoted
from runs.agent.tools.data.json_table import read_json_table
from runs.agent.tools.data.raw_table import RawTable
from runs.agent.tools.data.table_names import table_name


@dataclass(frozen=True, slots=True)
class TableFile:
    """A file of a request."""

    name: str
    """As people call it."""
    path: Path
    format: str
    """`csv`, `tsv`, `json`, `jsonl` or `xlsx`."""

    @classmethod
    def of(cls, written: Mapping[str, Any]) -> "TableFile":
        """The file of its JSON."""
        return cls(written["name"], Path(written["path"]), written["format"])


@dataclass(frozen=True, slots=True)
class NamedTable:
    """A table of a file, with its names in SQL."""

    sheet: str
    """Of a workbook; else empty."""
    name: str
    """The short one."""
    full: str
    raw: RawTable
    other: str = ""
    """Another short name: of the first of several sheets, which has that of the file."""


def read_table(file: TableFile) -> RawTable:
    """The table of a file that is no workbook. Raises `JobRefused`."""
    match file.format:
        case "csv":
            return read_csv_table(file.path, delimiter=None)
        case "tsv":
            return read_csv_table(file.path, delimiter="\t")
    return read_json_table(file.path, is_lines=file.format == "jsonl")


def tables_of(file: TableFile) -> Iterator[NamedTable]:
    """The tables of a file: one, or one for each sheet of a workbook that is not empty.

    The first sheet has the name of the file, and each of several that of the file and its own. Raises `JobRefused`.
    """
    if file.format != "xlsx":
        yield NamedTable("", table_name(file.name), file.name, read_table(file))
        return
    from runs.agent.tools.data.xlsx_table import EmptySheet, Workbook  # for workbooks only: its import takes 5 ms

    book = Workbook(file.path)
    empty: EmptySheet | None = None
    number = 0
    for sheet in book.sheets:
        try:
            raw = book.table(sheet)
        except EmptySheet as refused:
            empty = empty or refused
            continue
        number += 1
        full = file.name if len(book.sheets) == 1 else f"{file.name} {sheet}"
        of_sheet = table_name(file.name, sheet) if len(book.sheets) > 1 else ""
        is_first = number == 1
        yield NamedTable(
            sheet, table_name(file.name) if is_first else of_sheet, full, raw, of_sheet if is_first else ""
        )
    if not number and empty is not None:
        raise empty


def load_files(connection: duckdb.DuckDBPyConnection, files: list[TableFile]) -> dict[str, LoadedTable]:
    """The tables of the files by name in SQL. Each file is also a table of its full name: `"sales.csv"`.

    Two files that would give one name have their full names only. Raises `JobRefused`, which names the file.
    """
    made: dict[str, LoadedTable] = {}
    shorts: list[tuple[str, str]] = []
    for file in files:
        try:
            for table in tables_of(file):
                made[table.full] = _loaded(connection, table, made)
                shorts += [(name, table.full) for name in (table.name, table.other) if name]
        except JobRefused as refused:
            raise JobRefused(f"{file.name}: {refused}") from None
        except duckdb.OutOfMemoryException:
            raise JobRefused(f"{file.name} needs too much memory.") from None
    taken = Counter([*map(str.casefold, made), *(short.casefold() for short, _ in shorts)])
    for short, full in shorts:
        if taken[short.casefold()] == 1:
            connection.execute(f"CREATE VIEW {quoted(short)} AS FROM {quoted(full)}")
            made[short] = made[full]
    return made


def _loaded(connection: duckdb.DuckDBPyConnection, table: NamedTable, others: Mapping[str, LoadedTable]) -> LoadedTable:
    if table.full.casefold() in map(str.casefold, others):
        raise JobRefused("another file has that name. Name one of them at a time, by its id.")
    return load(connection, table.raw, table.full)
