"""Odd CSV files are read with the right values, or refused with a reason; nothing is left out silently."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from runs.agent.sandbox.refusal import JobRefused
from runs.agent.tools.data.csv_table import read_csv_table
from runs.agent.tools.data.database import LoadedTable, close_to_the_outside, connect, load
from runs.agent.tools.data.query_result import QueryResult, fetch
from runs.agent.tools.data.raw_table import EMPTY, RawTable, with_line_feeds

CASES = json.loads((Path(__file__).parent / "odd_csv.json").read_text())


def read(content: bytes, sql: str = "FROM t", *, end: str = "csv") -> tuple[LoadedTable, QueryResult]:
    """The table of a file in the current folder, and the result of a query over it."""
    path = Path(f"0.{end}")
    path.write_bytes(content)
    connection = connect()
    table = load(connection, read_csv_table(path, delimiter="\t" if end == "tsv" else None), "t")
    close_to_the_outside(connection)
    return table, fetch(connection, sql, most_rows=100, most_bytes=100_000)


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_an_odd_file_is_read_right_or_refused(case: dict[str, Any]) -> None:
    content = case["content"].encode(case.get("encoding", "utf-8"))

    if "refused" in case:
        with pytest.raises(JobRefused, match=case["refused"]):
            read(content, end=case.get("end", "csv"))
        return
    table, result = read(content, case.get("sql", "FROM t"), end=case.get("end", "csv"))

    assert (result.types, result.rows) == (case["types"], case["rows"])
    assert result.columns == case.get("columns", result.columns)
    assert case.get("notes", "") in " ".join(table.notes)
    assert bool(table.notes) == ("notes" in case)


def test_a_cell_has_at_most_a_million_characters() -> None:
    _, result = read(b'a,b\n"' + b"x" * 1_000_000 + b'",2\n', "SELECT length(a), b FROM t")
    assert result.rows == [[1_000_000, 2]]

    with pytest.raises(JobRefused, match="Line 2: a cell is longer"):
        read(b'a,b\n"' + b"x" * 2_000_000 + b'",2\n')


def test_a_file_of_ten_thousand_columns_is_refused_and_one_of_a_thousand_is_read() -> None:
    names, values = [",".join(f"{letter}{number}" for number in range(10_000)) for letter in ("c", "1")]
    with pytest.raises(JobRefused, match="10,000 columns"):
        read(f"{names}\n{values}\n".encode())

    names, values = [",".join(f"{letter}{number}" for number in range(1000)) for letter in ("c", "1")]
    table, result = read(f"{names}\n{values}\n".encode(), "SELECT c999 + c0 FROM t")
    assert (len(table.columns), result.rows) == (1000, [[1999 + 10]])


def test_any_cells_come_out_as_they_went_in() -> None:
    chance = random.Random(5)
    letters = ["a", '"', "'", ",", "\n", "\r", "\r\n", " ", "\\", "#", "\t", ";", "é", "😀", "", "NULL", "\x1e", "\x1f"]
    for _ in range(60):
        width = chance.randint(1, 4)
        rows: list[list[str | None]] = [
            [None if chance.random() < 0.1 else "".join(chance.choices(letters, k=chance.randint(0, 5)))
             for _ in range(width)]
            for _ in range(chance.choice([0, 1, 2, 30]))
        ]  # fmt: skip
        written = [[EMPTY if cell is None else with_line_feeds(cell) for cell in row] for row in rows]
        connection = connect()

        load(connection, RawTable([f"c{n}" for n in range(width)], iter(written), [set() for _ in range(width)]), "t")

        read_back = connection.execute("FROM t").fetchall()
        assert [[EMPTY if cell is None else cell for cell in row] for row in read_back] == written
