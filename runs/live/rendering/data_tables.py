"""Structured data as a table, if it is a flat object or a list of flat objects."""

import json
from dataclasses import dataclass
from typing import Any

from runs.agent.json_data.json_types import JsonMapping
from runs.markdown import runs_right_to_left, visible

MAX_COLUMNS = 12
MAX_ROWS = 100
"""Larger data is shown as JSON, or further rows are hidden."""
MAX_CELL_CHARS = 500


@dataclass(frozen=True, slots=True)
class DataTable:
    """A table of cells. Cells are untrusted text: the template escapes them."""

    columns: list[str]
    """Empty for one object, whose rows are name and value."""
    rows: list[list[str]]
    hidden_rows: int = 0

    @property
    def is_right_to_left(self) -> bool:
        """True if the first words read from right to left, so that the columns do too."""
        return runs_right_to_left(*self.columns, *(cell for row in self.rows[:3] for cell in row))


def table_of(data: Any) -> DataTable | None:
    """`data` as a table; None if JSON shows it better."""
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


def _is_flat(value: JsonMapping) -> bool:
    return not any(isinstance(each, (dict, list)) for each in value.values())


def _cell(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return visible(text if len(text) <= MAX_CELL_CHARS else f"{text[:MAX_CELL_CHARS]}…")
