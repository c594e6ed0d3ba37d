"""CSV and TSV files as tables. Nothing is left out silently."""

import csv
import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from runs.agent.sandbox.refusal import JobRefused
from runs.agent.tools.data.csv_dialect import read_dialect
from runs.agent.tools.data.raw_table import MAX_CELL_CHARACTERS, MAX_COLUMNS, RawTable, Row, column_names, listed
from runs.agent.tools.data.text_encoding import encoding_of

EXTRA_CELLS = "extra_cells"
"""The column with the cells of rows that have more than there are names, as a JSON list."""
_SEEN_FOR_NAMES = 20
"""Rows that are looked at to see whether the first one has names."""


def read_csv_table(path: Path, *, delimiter: str | None) -> RawTable:
    """The table in the file. `delimiter` is given for types that have only one. Raises `JobRefused`."""
    csv.field_size_limit(MAX_CELL_CHARACTERS)
    notes: list[str] = []
    file = read_dialect(path, encoding_of(path.read_bytes(), notes), delimiter=delimiter)
    records = file.records()
    beginning = list(itertools.islice(records, _SEEN_FOR_NAMES))
    width = len(beginning[0])
    if width > MAX_COLUMNS:
        raise JobRefused(f"It has {width:,} columns; at most {MAX_COLUMNS:,} can be read.")
    if has_names(beginning):
        titles, first_row = [*beginning.pop(0), EXTRA_CELLS], 2
    else:
        titles, first_row = [*[""] * width, EXTRA_CELLS], 1
        notes.append("The first line has values, no names: the columns are called column_1, column_2 and so on.")
    columns = column_names(titles, notes)
    table = RawTable(columns, iter(()), [{"any"} for _ in columns], notes, "", file.delimiter)
    numbered = enumerate(itertools.chain(beginning, records), first_row + file.skipped_lines)
    table.rows = _rows(table, numbered, width)
    return table


def _rows(table: RawTable, numbered: Iterable[tuple[int, list[str]]], width: int) -> Iterator[Row]:
    short: list[str] = []
    long: list[str] = []
    for number, cells in numbered:
        extra = ""
        if len(cells) > width:
            extra = json.dumps(cells[width:], ensure_ascii=False)
            del cells[width:]
            long.append(str(number))
        elif len(cells) < width:
            cells.extend([""] * (width - len(cells)))
            short.append(str(number))
        cells.append(extra)
        yield cells
    differs = "than there are columns; the rest is"
    if short:
        table.notes.append(f"{len(short)} rows have fewer cells {differs} empty: row {listed(short)}.")
    if long:
        place = f"in the column {table.columns[-1]}"
        table.notes.append(f"{len(long)} rows have more cells {differs} {place}: row {listed(long)}.")
    else:
        table.unused.add(table.columns[-1])


def has_names(rows: Sequence[Sequence[str | None]]) -> bool:
    """True if the first row has the names of the columns: unless a number or a date stands in it above another.

    A year may be a name (`region,2023,2024`), if there is a text beside it.
    """
    first, below = rows[0], rows[1:]
    values = [cell for cell in first if cell and is_value(cell)]
    if not values:
        return True
    for place, cell in enumerate(first):
        seen = [row[place] for row in below if place < len(row) and row[place]]
        if cell and not is_value(cell) and seen and all(is_value(each or "") for each in seen):
            return True
    return len(values) < sum(map(bool, first)) and all(map(_is_year, values))


def is_value(cell: str) -> bool:
    """True for a number or a date of any form: what names of columns are not."""
    bare = cell.strip().strip("+-€$£%").replace(" ", "")
    return bare[:1].isdigit() and bare[-1:].isdigit() and not set(bare) - set("0123456789.,:/-eETZ+")


def _is_year(cell: str) -> bool:
    return len(cell) == len("2026") and cell.isascii() and cell.isdigit() and cell[:2] in ("19", "20")
