"""Files as named tables of one database."""

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


def sheets_of(file: TableFile) -> list[str]:
    """The names of the sheets of a workbook; none for other files."""
    if file.format != "xlsx":
        return []
    from runs.agent.tools.data.xlsx_table import Workbook  # for workbooks only: its import takes 5 ms

    return Workbook(file.path).sheets


def read_table(file: TableFile, sheet: str = "") -> RawTable:
    """The table of a file, or of a sheet of a workbook; its first one without a name. Raises `JobRefused`."""
    match file.format:
        case "csv":
            return read_csv_table(file.path, delimiter=None)
        case "tsv":
            return read_csv_table(file.path, delimiter="\t")
        case "json" | "jsonl":
            return read_json_table(file.path, is_lines=file.format == "jsonl")
    from runs.agent.tools.data.xlsx_table import Workbook

    book = Workbook(file.path)
    found = [each for each in book.sheets if not sheet or each.casefold() == sheet.casefold()]
    if not found:
        raise JobRefused(f"There is no sheet {sheet[:100]!r}. There are: {', '.join(book.sheets)}.")
    return book.table(found[0])


def load_files(connection: duckdb.DuckDBPyConnection, files: list[TableFile]) -> dict[str, LoadedTable]:
    """The tables of the files by name in SQL. Each file is also a table of its full name: `"sales.csv"`.

    Two files that would give one name have their full names only. Raises `JobRefused`, which names the file.
    """
    made: dict[str, LoadedTable] = {}
    doubled: set[str] = set()
    for file in files:
        for full, short, raw in _tables_of(file):
            loaded = _loaded(connection, file, raw, full)
            made[full] = loaded
            if short.casefold() in {name.casefold() for name in made}:
                doubled.add(short.casefold())
                continue
            connection.execute(f"CREATE VIEW {quoted(short)} AS FROM {quoted(full)}")
            made[short] = loaded
    return {name: table for name, table in made.items() if name.casefold() not in doubled}


def _loaded(connection: duckdb.DuckDBPyConnection, file: TableFile, raw: RawTable, name: str) -> LoadedTable:
    try:
        return load(connection, raw, name)
    except JobRefused as refused:
        raise JobRefused(f"{file.name}: {refused}") from None
    except duckdb.OutOfMemoryException:
        raise JobRefused(f"{file.name} needs too much memory.") from None


def _tables_of(file: TableFile) -> Iterator[tuple[str, str, RawTable]]:
    """Full name, short name and cells of each table of the file."""
    try:
        sheets = sheets_of(file)
        if len(sheets) < 2:
            yield file.name, table_name(file.name), read_table(file)
            return
        first = None
        for sheet in sheets:
            try:
                raw = read_table(file, sheet)
            except JobRefused:
                continue  # an empty sheet
            short = table_name(file.name) if first is None else table_name(file.name, sheet)
            first = first or sheet
            yield f"{file.name} {sheet}", short, raw
    except JobRefused as refused:
        raise JobRefused(f"{file.name}: {refused}") from None
