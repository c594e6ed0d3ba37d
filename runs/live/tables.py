"""Data as a table, where it is one: a flat object, or a list of flat objects."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from runs.markdown import runs_right_to_left, visible

MAX_COLUMNS = 12
MAX_ROWS = 100
"""More is shown as JSON, or not on the page."""
MAX_CELL_CHARS = 500


@dataclass(frozen=True, slots=True)
class DataTable:
    """What is shown of data. Cells are text from outside: the template escapes them."""

    columns: list[str]
    """Empty for one object, whose rows are name and value."""
    rows: list[list[str]]
    hidden_rows: int = 0

    @property
    def is_right_to_left(self) -> bool:
        """True if its columns run from right to left, as the first words in it do."""
        return runs_right_to_left(*self.columns, *(cell for row in self.rows[:3] for cell in row))


def table_of(data: Any) -> DataTable | None:
    """The table `data` is, or None if it is shown better as JSON."""
    match data:
        case dict() if data and _is_flat(data) and len(data) <= MAX_ROWS:
            return DataTable([], [[visible(name), _cell(value)] for name, value in data.items()])
        case [dict(), *_] if all(isinstance(each, dict) and _is_flat(each) for each in data):
            names = list(dict.fromkeys(name for each in data for name in each))
            if not 0 < len(names) <= MAX_COLUMNS:
                return None
            rows = [[_cell(each[name]) if name in each else "" for name in names] for each in data[:MAX_ROWS]]
            return DataTable([visible(name) for name in names], rows, max(len(data) - MAX_ROWS, 0))
        case _:
            return None


def _is_flat(value: Mapping[str, Any]) -> bool:
    return not any(isinstance(each, (dict, list)) for each in value.values())


def _cell(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return visible(text if len(text) <= MAX_CELL_CHARS else f"{text[:MAX_CELL_CHARS]}…")
