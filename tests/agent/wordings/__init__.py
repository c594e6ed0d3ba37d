"""Error messages of real servers: one table for each kind, with their sources."""

import json
from pathlib import Path
from typing import Any

import pytest


def rows_of(table: str, *columns: str) -> list[Any]:
    """The rows of a table as parameters of a test, each named after its server."""
    rows = json.loads(Path(__file__).with_name(f"{table}.json").read_text())
    return [
        pytest.param(*(row[column] for column in columns), id=f"{number} {row.get('kind', '')} {row['who']}")
        for number, row in enumerate(rows)
    ]
