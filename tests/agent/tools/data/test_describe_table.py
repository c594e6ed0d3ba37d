"""What describe_table tells of a table."""

import pytest

from runs.agent.files.access import files_context
from runs.agent.sandbox.job import JobFailed
from runs.agent.tools.data.describe_table import describe_table
from runs.agent.tools.data.query_table import query_table
from runs.agent.tools.registry import execute_tool_safely
from tests.agent.files.memory_files import MemoryFiles
from tests.agent.tools.data.workbooks import workbook


async def described(content: bytes, name: str = "sales.csv", **more: str):
    with files_context(MemoryFiles({name: content})):
        return await execute_tool_safely(describe_table.tool, {"file": name, **more})


async def test_a_table_is_described_with_columns_values_and_first_rows():
    content = b"region,amount,day,odd\nNorth,10.50,2024-01-01,1\nSouth,,2024-02-01,2\nNorth,4,,n/a\n"

    assert await described(content) == {
        "file": "sales.csv",
        "table": "sales",
        "rows": 3,
        "columns": [
            {"name": "region", "type": "VARCHAR", "empty": 0, "distinct": 2, "minimum": "North", "maximum": "South"},
            {"name": "amount", "type": "DECIMAL(18,2)", "empty": 1, "distinct": 2, "minimum": 4, "maximum": 10.5},
            {
                "name": "day",
                "type": "DATE",
                "empty": 1,
                "distinct": 2,
                "minimum": "2024-01-01",
                "maximum": "2024-02-01",
            },
            {
                "name": "odd",
                "type": "VARCHAR",
                "empty": 0,
                "distinct": 3,
                "minimum": "1",
                "maximum": "n/a",
                "note": "2 of 3 values are numbers; it is text because of 'n/a': use TRY_CAST",
            },
        ],
        "first_rows": [
            ["North", 10.5, "2024-01-01", "1"],
            ["South", None, "2024-02-01", "2"],
            ["North", 4, None, "n/a"],
        ],
        "notes": [],
    }


@pytest.mark.parametrize(
    "name", ["my sales (2024).csv", "2024.csv", "a.b.csv", "über.csv", 'x"; DROP.csv', ".csv", "表.csv"]
)
async def test_the_name_that_is_told_works_in_a_query(name):
    table = (await described(b"a\n1\n", name))["table"]

    with files_context(MemoryFiles({name: b"a\n1\n"})):
        assert (await query_table(sql=f"FROM {table}", files=[name]))["rows"] == [[1]]


async def test_a_sheet_is_described_by_its_name():
    book = workbook({"None": [], "One": [["a"], [1]], "Two": [["b", "c"], ["x", None], ["y", 2.5]]})

    first = await described(book, "book.xlsx")
    second = await described(book, "book.xlsx", sheet="two")

    assert (first["table"], first["sheets"], first["rows"]) == ("book", ["One", "Two"], 1)
    assert (second["table"], second["sheet"], second["rows"]) == ("book_Two", "Two", 2)
    assert second["columns"][1] == {
        "name": "c", "type": "DECIMAL(18,1)", "empty": 1, "distinct": 1, "minimum": 2.5, "maximum": 2.5,
    }  # fmt: skip
    with pytest.raises(JobFailed, match=r"There is no sheet 'Three'\. There are: One, Two\."):
        await described(book, "book.xlsx", sheet="Three")


async def test_a_wide_table_has_the_names_of_all_columns():
    content = (",".join(f"c{number}" for number in range(300)) + "\n" + ",".join("7" * 300) + "\n").encode()

    told = await described(content)

    assert (len(told["columns"]), told["more_columns"][0], told["more_columns"][-1]) == (60, "c60", "c299")
    assert told["notes"] == ["It has 300 columns; the first 60 are described."]


async def test_long_texts_are_cut():
    told = await described(b"a\n" + b"x" * 5000 + b"\n")

    assert told["columns"][0]["minimum"] == "x" * 80
    assert told["first_rows"] == [["x" * 80 + "…"]]
