"""SQL over the tables of a run's files, in a process of its own."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.files.access import files_context
from runs.agent.files.file_info import MAX_FILE_BYTES
from runs.agent.sandbox.job import JobFailed
from runs.agent.sandbox.refusal import JobRefused
from runs.agent.tools.data import table_job
from runs.agent.tools.data.query_table import query_table
from runs.agent.tools.registry import execute_tool_safely
from tests.agent.files.memory_files import MemoryFiles
from tests.agent.tools.data.workbooks import workbook

SALES = b"region,product,amount\nNorth,Lamp,10.50\nSouth,Lamp,4.25\nNorth,Desk,100\n"
PRICES = b'[{"product": "Lamp", "price": 5.25, "tags": ["a", 1]}, {"product": "Desk", "price": 99}]'


async def ask(sql: str, contents: Mapping[str, bytes] = MappingProxyType({"sales.csv": SALES})) -> Any:
    """The answer of the tool."""
    with files_context(MemoryFiles(dict(contents))):
        return await execute_tool_safely(query_table.tool, {"sql": sql, "files": list(contents)})


@pytest.fixture(name="rows_of")
def _rows_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[list[Any]]]:
    """The rows of a query, by the tool's job in this process."""
    monkeypatch.chdir(tmp_path)

    def rows_of(sql: str, name: str = "a.csv", content: bytes = b"a\n1\n") -> list[list[Any]]:
        Path("0").write_bytes(content)
        files = [{"name": name, "path": "0", "format": name.rpartition(".")[2]}]
        request = {"do": "query", "sql": sql, "files": files, "most_rows": 10, "most_bytes": 10_000}
        rows: list[list[Any]] = json.loads(table_job.run(json.dumps(request).encode()))["rows"]
        return rows

    return rows_of


async def test_a_select_gives_columns_and_rows():
    assert await ask("SELECT region, sum(amount) AS total FROM sales GROUP BY region ORDER BY total DESC") == {
        "columns": ["region", "total"],
        "rows": [["North", 110.5], ["South", 4.25]],
        "row_count": 2,
    }


async def test_several_files_are_joined_and_a_table_may_be_named_like_its_file():
    joined = await ask(
        'SELECT s.region, p.price, p.tags FROM "sales.csv" s JOIN prices p USING (product) ORDER BY ALL',
        {"sales.csv": SALES, "prices.json": PRICES},
    )

    assert joined["rows"] == [["North", 5.25, ["a", 1]], ["North", 99, None], ["South", 5.25, ["a", 1]]]


async def test_two_files_of_one_short_name_have_their_full_names_only():
    files = {"a.csv": b"x\n1\n", "a.tsv": b"x\n2\n"}

    with pytest.raises(JobFailed, match=r"There is no table 'a'\. Tables: a\.csv, a\.tsv\."):
        await ask("FROM a", files)
    assert (await ask('FROM "a.csv" UNION ALL FROM "a.tsv"', files))["rows"] == [[1], [2]]


def test_two_files_of_one_name_are_asked_one_at_a_time(rows_of):
    Path("1").write_bytes(b"a\n2\n")
    files = [{"name": name, "path": path, "format": "csv"} for name, path in (("a.csv", "0"), ("A.csv", "1"))]
    rows_of("FROM a")

    with pytest.raises(JobRefused, match=r"A\.csv: another file has that name"):
        table_job.run(json.dumps({"do": "query", "sql": "SELECT 1", "files": files}).encode())


async def test_the_order_of_the_query_is_that_of_the_rows_and_columns_of_one_name_get_numbers():
    result = await ask("SELECT 'ü;', amount, amount FROM sales ORDER BY 2 DESC /* ; */ ; ; -- all")

    assert result["columns"][1:] == ["amount", "amount_1"]
    assert result["rows"] == [["ü;", 100, 100], ["ü;", 10.5, 10.5], ["ü;", 4.25, 4.25]]


async def test_a_long_result_is_cut_by_rows_or_bytes_and_says_so():
    by_rows = await ask("FROM range(100000)")
    by_bytes = await ask("SELECT repeat('ü', 1000) FROM range(100)")

    assert by_rows["row_count"] == len(by_rows["rows"]) == 200
    assert by_rows["cut"].startswith("These are the first 200 rows; there are more.")
    assert 5 < by_bytes["row_count"] < 20
    assert "cut" in by_bytes


async def test_a_long_text_is_cut_and_says_so():
    result = await ask("SELECT repeat('x', 5000)")

    assert result["rows"] == [["x" * 2000 + "… [cut: 5,000 characters]"]]
    assert result["notes"] == ["1 long texts are cut."]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("170141183460469231731687303715884105727::HUGEINT", 170141183460469231731687303715884105727),
        ("12345678901234567890.12::DECIMAL(38, 2)", "12345678901234567890.12"),
        ("7.50::DECIMAL(5, 2)", 7.5),
        ("['nan'::DOUBLE, '-inf'::DOUBLE]", ["nan", "-inf"]),
        ("'nan'::DOUBLE", "nan"),
        ("0.1::DOUBLE + 0.2::DOUBLE", 0.30000000000000004),
        ("'\\xAA\\x00'::BLOB", "\\xAA\\x00"),
        ("{'a': [1, NULL], 'b': DATE '2024-01-01'}", {"a": [1, None], "b": "2024-01-01"}),
        ("MAP {'k': 1.5}", {"k": 1.5}),
        ("INTERVAL '1 month 2 days'", "1 month 2 days"),
        ("DATE '-infinity'", "-infinity"),
        ("DATE '12000-01-01'", "12000-01-01"),
        ("TIMESTAMPTZ '2024-01-01 00:00:00+02'", "2023-12-31 22:00:00+00"),
        ("'b'::ENUM('a', 'b')", "b"),
        ("'101'::BIT", "101"),
        ("'[1,'", "[1,"),
        ("'{\"a\": NaN}'", '{"a": NaN}'),
        ("'{\"a\": 1e999}'::JSON", {"a": "1e999"}),
        ("chr(0) || 'x'", "\ufffdx"),
        ("NULL", None),
        (f"'{'[' * 30}{']' * 30}'::JSON", "[" * 30 + "]" * 30),
    ],
)
def test_each_type_is_honest_json(rows_of, expression, value):
    [[given]] = rows_of(f"SELECT {expression}")

    assert given == value
    json.dumps(given, allow_nan=False).encode()


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("SELECT amout FROM sales", r'"amout" not found.*"amount"'),
        ("SELECT * FROM sale", r"There is no table 'sale'\. Tables: sales\.csv, sales\."),
        ("SELECT region + 1 FROM sales", "Could not convert|No function matches"),
        ("SELEC 1", "cannot be read: syntax error"),
        ("DROP TABLE sales", "Only a SELECT"),
        ("SELECT 1; SELECT 2", "Exactly one SELECT is run, not 2"),
        ("SELECT " + "1," * 300 + "1", "301 columns"),
        ("SELECT '" + "x" * 30_000 + "'", "30,009 characters"),
        ("SELECT error('/secret/place')", "secret"),
    ],
)
async def test_an_error_says_what_to_do_without_the_place_of_a_file(sql, says):
    with pytest.raises(JobFailed, match=says) as raised:
        await ask(sql)

    assert "agentsite-job" not in str(raised.value)
    assert "0.csv" not in str(raised.value)


async def test_files_that_are_missing_too_large_or_no_tables_are_refused_before_they_are_read():
    files = MemoryFiles({"big.csv": b"a\n1\n", "a.pdf": b"%PDF", "b.csv": b"a\n"}, sizes={"big.csv": 1 << 30})
    with files_context(files):
        for name, says in (("big.csv", "1,024 MiB; at most 25"), ("a.pdf", "no table"), ("c.csv", "There is no file")):
            with pytest.raises(ToolFailed, match=says):
                await query_table(sql="SELECT 1", files=[name])
        with pytest.raises(ToolFailed, match="No file"):
            await query_table(sql="SELECT 1", files=[])
        with pytest.raises(ToolFailed, match="at most 10"):
            await query_table(sql="SELECT 1", files=["b.csv"] * 11)

    assert files.read == []


async def test_files_that_are_too_large_together_are_refused():
    sizes = dict.fromkeys(("a.csv", "b.csv", "c.csv"), MAX_FILE_BYTES)
    files = MemoryFiles(dict.fromkeys(sizes, b"a\n1\n"), sizes=sizes)

    with files_context(files), pytest.raises(ToolFailed, match="The files have 75 MiB; at most 50"):
        await query_table(sql="SELECT 1", files=list(sizes))


async def test_a_faulty_file_is_named():
    with pytest.raises(JobFailed, match=r"^b\.csv: The file is empty\.$"):
        await ask("SELECT 1", {"a.csv": b"a\n1\n", "b.csv": b""})


async def test_what_was_odd_in_a_file_is_told_with_the_result():
    assert (await ask("FROM a", {"a.csv": b"x,y\n1,2\n3\n"}))["notes"] == [
        "1 rows have fewer cells than there are columns; the rest is empty: row 3."
    ]


async def test_the_sheets_of_a_workbook_are_tables():
    book = workbook(
        {
            "Sales": [["region", "amount"], ["North", 10.5], ["South", 4]],
            "Empty": [],
            "Last year": [["Report of 2024"], ["region", "day", "is_new"], ["North", ("date", 45292), True]],
        }
    )

    for name in ("book", "book_Sales"):
        result = await ask(
            f"SELECT b.region, amount, day, is_new FROM {name} b JOIN book_Last_year USING (region)",
            {"book.xlsx": book},
        )

    assert result["rows"] == [["North", 10.5, "2024-01-01", True]]
    assert result["notes"] == ["Above the names of the columns stands: Report of 2024."]


@pytest.mark.parametrize(
    ("name", "content", "rows"),
    [
        ("a.jsonl", b'{"a": 1}\n\n{"b": "x"}\n', [[1, None], [None, "x"]]),
        ("a.json", b'[{"a": "007", "b": null}, {"a": "", "b": true}]', [["007", None], ["", True]]),
        ("a.json", b'[{"a": 12345678901234567890, "b": 0.1}]', [[12345678901234567890, 0.1]]),
        ("a.json", b'[{"a": "2024-01-01", "b": "\\ud800"}]', [["2024-01-01", "?"]]),
        ("a.json", b'[{"a": [1, {"b": 1.50}], "b": "x\\r\\ny"}]', [[[1, {"b": 1.5}], "x\ny"]]),
        ("a.json", b'{"a": 1}\n{"a": 2}\n', [[1], [2]]),
    ],
)
def test_lists_of_objects_are_tables(rows_of, name, content, rows):
    assert rows_of("FROM a", name, content) == rows


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.json", b"{", "is not JSON"),
        ("a.json", b'{"a": [1]}', "one object"),
        ("a.json", b"[1, 2]", "element 1 of the list is not an object"),
        ("a.json", b'"x"', "not a list"),
        ("a.json", b"[]", "no object has a name"),
        ("a.json", b'[{"a": 1, "a": 2}]', "appears twice"),
        ("a.json", b"[" * 100_000, "nested too deeply"),
        ("a.json", b'[{"a": ' + b"[" * 900 + b"]" * 900 + b"}]", "nested too deeply"),
        ("a.jsonl", b'{"a": 1}\n{"a"', "Line 2 is not JSON"),
        ("a.jsonl", b'{"a": 1}\n[]', "Line 2 is not an object"),
        ("a.xlsx", b"PK\x03\x04 no workbook", "cannot be read"),
        ("a.xlsx", workbook({"S": []}), "The sheet S is empty"),
    ],
)
def test_what_is_no_table_is_refused(rows_of, name, content, says):
    with pytest.raises(JobRefused, match=says):
        rows_of("FROM a", name, content)
