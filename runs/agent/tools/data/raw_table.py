"""A table as it stands in a file: names of columns, and cells as text."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

CellKind = Literal["any", "number", "text", "boolean", "date", "datetime", "time", "json"]
"""What a cell is known to be by its file. `any`: a text file does not say."""
Row = Sequence[str]
EMPTY: Final = "\x1e\x1f"
"""An empty cell where a cell may also be an empty text; no text has these two."""

MAX_COLUMNS: Final = 2000
"""Columns of a table. DuckDB keeps 2048 values of every column at once."""
MAX_CELL_CHARACTERS: Final = 1 << 20
LONGEST_NAME: Final = 200
"""Characters of a column's name."""


@dataclass(slots=True)
class RawTable:
    """One table of a file."""

    columns: list[str]
    rows: Iterator[Row]
    """Each row has one cell per column, with LF line ends. Can be read once."""
    kinds: list[set[CellKind]]
    """What the cells of each column are. Complete when the rows are read."""
    notes: list[str] = field(default_factory=list)
    """What a reader of the table should know. Complete when the rows are read."""
    empty: str = EMPTY
    """What stands for an empty cell in the rows."""
    delimiter: str = ""
    """Of a text file."""
    unused: set[str] = field(default_factory=set)
    """Columns without a cell, which the table is made without. Complete when the rows are read."""


def column_names(titles: Sequence[str | None], notes: list[str]) -> list[str]:
    """A name for each column: its title, `column_3` without one, and `title_2` for the second of one title. Upper and
    lower case are the same, as in SQL. What was changed is added to `notes`."""
    names: list[str] = []
    taken: set[str] = set()
    repeated: list[str] = []
    for place, title in enumerate(titles, 1):
        wanted = " ".join((title or "").split())[:LONGEST_NAME] or f"column_{place}"
        name, number = wanted, 1
        while name.casefold() in taken:
            number += 1
            name = f"{wanted}_{number}"
        if number > 1:
            repeated.append(name)
        taken.add(name.casefold())
        names.append(name)
    if repeated:
        notes.append(f"Several columns have one name; the later ones are called {listed(repeated)}.")
    return names


def listed(words: Sequence[str], most: int = 5) -> str:
    """The words with commas, at most `most` of them."""
    shown = ", ".join(word[:60] for word in words[:most])
    return shown if len(words) <= most else f"{shown} and {len(words) - most} more"


def with_line_feeds(cell: str) -> str:
    """The cell with LF line ends, which is all that DuckDB 2.0 reads right inside of quotation marks."""
    return cell.replace("\r\n", "\n").replace("\r", "\n") if "\r" in cell else cell
