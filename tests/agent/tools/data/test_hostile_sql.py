"""No SQL reads anything but the named files or changes anything, and every query ends."""

import contextlib
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from runs.agent.sandbox.job import JobFailed, job_folder, run_job
from runs.agent.sandbox.refusal import JobRefused
from runs.agent.tools.data.database import connect
from runs.agent.tools.data.sandboxed_tables import LIMITS
from runs.agent.tools.data.select_check import check_select

HERE = Path(__file__).parent
HOSTILE = json.loads((HERE / "hostile_sql.json").read_text())
ENDLESS = json.loads((HERE / "endless_sql.json").read_text())
SECRET = "a word that only the canary has"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT (WITH duckdb_settings AS (SELECT 1) SELECT 1), * FROM duckdb_settings",
        "SELECT * FROM duckdb_tables WHERE 1 IN (WITH duckdb_tables AS (SELECT 1) SELECT * FROM duckdb_tables)",
        "WITH a AS (SELECT * FROM duckdb_tables), duckdb_tables AS (SELECT 1) SELECT * FROM a",
        "WITH duckdb_tables AS (SELECT * FROM duckdb_tables) SELECT * FROM duckdb_tables",
        "SELECT * FROM (WITH duckdb_views AS (SELECT 1) SELECT * FROM duckdb_views) JOIN duckdb_views ON true",
        "WITH RECURSIVE duckdb_views AS (SELECT 1 FROM duckdb_views UNION ALL FROM duckdb_views) FROM duckdb_views",
    ],
)
def test_a_name_of_another_part_of_the_query_opens_no_table_of_the_system(sql: str) -> None:
    connection = connect()
    connection.execute("CREATE TABLE t AS SELECT range AS a FROM range(3)")

    with pytest.raises(JobRefused, match="There is no table 'duckdb_"):
        check_select(connection, sql, ["t"])


@pytest.mark.parametrize(
    "sql",
    [
        "WITH x AS (SELECT * FROM t), y AS (SELECT * FROM x) SELECT * FROM y JOIN (SELECT * FROM x) AS z USING (a)",
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT * FROM r",
        "WITH x AS MATERIALIZED (SELECT * FROM t) SELECT (SELECT max(a) FROM x), * FROM t UNION ALL SELECT 1, a FROM x",
        "WITH X AS (SELECT 1 AS a) SELECT * FROM x WHERE a IN (WITH w AS (SELECT * FROM x) SELECT a FROM w)",
    ],
)
def test_a_name_is_known_where_it_is_defined(sql: str) -> None:
    connection = connect()
    connection.execute("CREATE TABLE t AS SELECT range AS a FROM range(3)")

    assert connection.execute(check_select(connection, sql, ["t"])).fetchall()


def test_each_hostile_statement_is_refused_before_it_runs():
    connection = connect()
    connection.execute("CREATE TABLE t AS SELECT range AS a, 'x' AS b FROM range(3)")
    let_pass = []

    for sql in HOSTILE:
        try:
            check_select(connection, sql.replace("CANARY", "/etc/passwd"), ["t"])
        except JobRefused:
            continue
        let_pass.append(sql)

    # A type that only an extension has: DuckDB refuses it when it binds the query.
    assert let_pass == ["SELECT 'x'::inet"]


async def test_without_that_check_the_closed_database_gives_nothing_away_and_writes_nothing(tmp_path: Path) -> None:
    canary = tmp_path / "canary.csv"
    canary.write_text(f"{SECRET}\n{SECRET}\n")
    statements = [sql.replace("CANARY", str(canary)) for sql in HOSTILE if "sleep" not in sql]

    with job_folder() as folder:
        answer = await run_job("tests.agent.tools.data.unchecked_sql", json.dumps(statements).encode(), folder=folder)
        left_over = os.listdir(folder)  # noqa: PTH208 - asynchronous code has no pathlib

    told = json.loads(answer)
    assert len(told) == len(statements)
    assert not [sql for sql, results in zip(statements, told, strict=True) if SECRET in results]
    assert left_over == []
    assert os.listdir(tmp_path) == ["canary.csv"]  # noqa: PTH208


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT a FROM t",
        "from t select a",
        "TABLE t",
        "VALUES (1), (2)",
        "SELECT T.A FROM T;",
        "SELECT a FROM main.t -- a comment",
        "WITH x AS (SELECT a FROM t), y AS (SELECT * FROM x) SELECT * FROM y UNION ALL SELECT 1",
        "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT * FROM r",
        "SELECT a, row_number() OVER (PARTITION BY b ORDER BY a) FROM t QUALIFY row_number() OVER () < 3",
        "SELECT * FROM generate_series(1, 3), unnest([1, 2])",
        "SELECT x.* FROM (SELECT unnest([{'z': 1}]) AS x)",
        "PIVOT t ON b IN ('x', 'y') USING sum(a)",
        "SELECT 'COPY t TO ''x''; DROP TABLE t', \"a\" FROM t",
        "SELECT {'type': 'INSERT_NODE', 'function_name': 'write_log', 'cte_name': 'x'}",
        "SELECT list_transform([1, 2], lambda x: x + 1)",
    ],
)
def test_what_is_one_select_is_let_through(sql):
    connection = connect()
    connection.execute("CREATE TABLE t AS SELECT range AS a, 'x' AS b FROM range(3)")

    connection.execute(check_select(connection, sql, ["t"])).fetchall()


@pytest.mark.parametrize("depth", [100, 900, 3000])
def test_deep_and_long_queries_are_read_or_refused(depth):
    connection = connect()

    for sql in ("(" * depth + "SELECT 1" + ")" * depth, "SELECT " + "-" * depth + "1", "SELECT " + "1+" * depth + "1"):
        with contextlib.suppress(JobRefused):
            check_select(connection, sql, [])


@pytest.mark.parametrize(("sql", "limit"), ENDLESS)
async def test_a_query_without_an_end_is_stopped_at_a_limit(sql: str, limit: str) -> None:
    request = {"do": "query", "sql": sql, "most_rows": 10, "most_bytes": 1000}
    limits = replace(LIMITS, wall_s=1.0 if limit == "seconds" else 30.0)
    with job_folder() as folder:
        (folder / "0.csv").write_text("a,b\n" + "".join(f"{number},{'x' * 50}\n" for number in range(1000)))
        request["files"] = [{"name": "t.csv", "path": "0.csv", "format": "csv"}]

        with pytest.raises(JobFailed, match=limit):
            await run_job("runs.agent.tools.data.table_job", json.dumps(request).encode(), limits=limits, folder=folder)
