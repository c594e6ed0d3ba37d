"""Sheets of XLSX workbooks as tables."""

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import python_calamine

from runs.agent.json_data.json_values import as_storable_text
from runs.agent.sandbox.refusal import JobRefused
from runs.agent.tools.data.csv_table import has_names
from runs.agent.tools.data.raw_table import (
    EMPTY,
    MAX_COLUMNS,
    CellKind,
    RawTable,
    Row,
    column_names,
    listed,
    with_line_feeds,
)

MAX_CELLS = 5_000_000
"""Cells of a sheet, empty ones among others included."""
MAX_SHEETS = 100


class EmptySheet(JobRefused):
    """The sheet has no cells."""


class Workbook:
    """An XLSX file. Raises `JobRefused` if it is none."""

    def __init__(self, path: Path) -> None:
        try:
            self._book = python_calamine.CalamineWorkbook.from_path(str(path))
        except (python_calamine.CalamineError, OSError, ValueError) as error:
            raise JobRefused(f"The workbook cannot be read: {str(error)[:200]}.") from None
        self.sheets: list[str] = [
            sheet.name for sheet in self._book.sheets_metadata if sheet.typ == python_calamine.SheetTypeEnum.WorkSheet
        ][:MAX_SHEETS]
        if not self.sheets:
            raise JobRefused("The workbook has no sheet with cells.")

    def table(self, sheet: str) -> RawTable:
        """The table of a sheet. Raises `JobRefused`; `EmptySheet` if it has no cells."""
        try:
            rows = self._rows(self._book.get_sheet_by_name(sheet))
        except (python_calamine.CalamineError, ValueError) as error:
            raise JobRefused(f"The sheet {sheet} cannot be read: {str(error)[:200]}.") from None
        if not rows:
            raise EmptySheet(f"The sheet {sheet} is empty.")
        return _table(rows)

    def _rows(self, sheet: Any) -> list[list[Any]]:
        if sheet.height * sheet.width > MAX_CELLS:
            raise JobRefused(f"The sheet has {sheet.height:,} rows of {sheet.width:,} cells: too many to be read.")
        rows: list[list[Any]] = sheet.to_python(skip_empty_area=True)
        return [row for row in rows if any(cell != "" for cell in row)]


def _table(rows: list[list[Any]]) -> RawTable:
    width = len(rows[0])
    if width > MAX_COLUMNS:
        raise JobRefused(f"It has {width:,} columns; at most {MAX_COLUMNS:,} can be read.")
    notes: list[str] = []
    above = 0
    # A title above the table stands alone in its row.
    while width > 1 and above < len(rows) - 1 and sum(cell != "" for cell in rows[above]) == 1:
        above += 1
    if above:
        titles = [str(cell) for row in rows[:above] for cell in row if cell != ""]
        notes.append(f"Above the names of the columns stands: {listed(titles)}.")
    del rows[:above]
    if has_names([[_text(cell)[1] for cell in row] for row in rows[:20]]):
        names: Sequence[str | None] = [_text(cell)[1] for cell in rows.pop(0)]
    else:
        names = [None] * width
        notes.append("The first row has values, no names: the columns are called column_1, column_2 and so on.")
    columns = column_names(names, notes)
    table = RawTable(columns, iter(()), [set() for _ in columns], notes)
    table.rows = _cells(table, rows)
    return table


def _cells(table: RawTable, rows: list[list[Any]]) -> Iterator[Row]:
    for row in rows:
        made: list[str] = []
        for cell, kinds in zip(row, table.kinds, strict=True):
            kind, text = _text(cell)
            if kind is not None:
                kinds.add(kind)
            made.append(EMPTY if text is None else text)
        yield made


def _text(cell: Any) -> tuple[CellKind | None, str | None]:
    match cell:
        case "" | None:
            return None, None
        case bool():
            return "boolean", "true" if cell else "false"
        case float():
            # Whole numbers are floats in workbooks.
            return "number", str(int(cell)) if cell.is_integer() and abs(cell) < 2**53 else repr(cell)
        case int():
            return "number", str(cell)
        case dt.datetime():
            return "datetime", cell.isoformat(sep=" ")
        case dt.date():
            return "date", cell.isoformat()
        case dt.time():
            return "time", cell.isoformat()
    return "text", with_line_feeds(as_storable_text(str(cell)))
