"""Exactly one SELECT over known tables: checked on the syntax tree of DuckDB's own parser."""

import json
from collections.abc import Collection, Iterator
from typing import Any, Final

import duckdb

from runs.agent.sandbox.refusal import JobRefused

MAX_SQL_CHARACTERS: Final = 20_000
_QUERIES: Final = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
"""Kinds of queries that only read. `WITH x AS (INSERT …)` is a SELECT for DuckDB; its inner query is none of these."""
_TABLE_FUNCTIONS: Final = frozenset(
    {"range", "generate_series", "unnest", "json_each", "json_tree", "regexp_split_to_table", "repeat"}
)
_NOT_FOR_QUERIES: Final = frozenset(
    {"current_setting", "getenv", "getvariable", "nextval", "currval", "setval", "pg_sleep", "sleep_ms", "write_log"}
)
"""Functions that read settings, keep a state or only pass the time."""


def check_select(connection: duckdb.DuckDBPyConnection, sql: str, tables: Collection[str]) -> str:
    """The SELECT without a semicolon at its end. Raises `JobRefused` if it is not exactly one SELECT, or reads anything
    but `tables` and what it defines itself."""
    if len(sql) > MAX_SQL_CHARACTERS:
        raise JobRefused(f"The query has {len(sql):,} characters; at most {MAX_SQL_CHARACTERS:,} are read.")
    if "\0" in sql:
        raise JobRefused("The query has a NUL character.")
    try:
        sql.encode()
        [[written]] = connection.execute(
            "SELECT CAST(json_serialize_sql(CAST($1 AS VARCHAR)) AS VARCHAR)", [sql]
        ).fetchall()
        tree = json.loads(written)
    except (UnicodeEncodeError, RecursionError):
        raise JobRefused("The query cannot be read.") from None
    if tree["error"]:
        if tree["error_type"] == "not implemented":
            raise JobRefused("Only a SELECT is run here, with or without WITH.")
        raise JobRefused(f"The query cannot be read: {tree['error_message']}")
    if len(tree["statements"]) != 1:
        raise JobRefused(f"Exactly one SELECT is run, not {len(tree['statements'])} statements.")
    _check(tree["statements"][0], tables)
    return _without_end(sql)


def _without_end(sql: str) -> str:
    """The statement without the semicolons and comments behind it."""
    written = sql.encode()
    end = len(written)
    for place, kind in reversed(duckdb.tokenize(sql)):
        if kind != duckdb.token_type.comment and written[place : place + 1] != b";":
            break
        end = place
    return written[:end].decode()


def _check(statement: Any, tables: Collection[str]) -> None:
    for node, known in _objects(statement, frozenset(name.casefold() for name in tables)):
        kind = str(node.get("type", ""))
        if kind.endswith("_NODE") and kind not in _QUERIES:
            raise JobRefused("Only a SELECT is run here; nothing can be changed.")
        if kind == "SHOW_REF":
            raise JobRefused("Only a SELECT is run here. describe_table tells the columns of a table.")
        if kind.endswith("PARAMETER"):
            raise JobRefused("The query has a parameter, for which there is no value.")
        if kind == "BASE_TABLE":
            _check_table(node, known, tables)
        if (function := node.get("function_name")) is not None:
            _check_function(str(function).casefold())
        if kind == "TABLE_FUNCTION":
            name = str(node["function"].get("function_name", "")).casefold()
            if name not in _TABLE_FUNCTIONS:
                raise JobRefused(f"The function {name} is not for queries here. Tables: {_listed(tables)}.")


def _check_table(node: dict[str, Any], known: Collection[str], tables: Collection[str]) -> None:
    path = node.get("qualified_name", {}).get("path") or [node.get("table_name", "")]
    name = str(path[-1])
    if name.casefold() not in known or [each for each in path[:-1] if each not in ("main", "memory")]:
        raise JobRefused(f"There is no table {'.'.join(map(str, path))[:200]!r}. Tables: {_listed(tables)}.")


def _check_function(name: str) -> None:
    if name in _NOT_FOR_QUERIES:
        raise JobRefused(f"The function {name} is not for queries here.")


def _listed(tables: Collection[str]) -> str:
    return ", ".join(list(tables)[:20]) or "none"


def _objects(tree: Any, tables: frozenset[str]) -> Iterator[tuple[dict[str, Any], frozenset[str]]]:
    """All objects of the tree, each with the names of tables that it may use: `tables`, and what WITH defines where it
    stands. Elsewhere the same name is that of a table of the system."""
    waiting: list[tuple[Any, frozenset[str]]] = [(tree, tables)]
    while waiting:
        value, known = waiting.pop()
        if isinstance(value, list):
            waiting.extend((each, known) for each in value)
        if not isinstance(value, dict):
            continue
        yield value, known
        inside = known
        for entry in (value.get("cte_map") or {}).get("map") or ():
            # A query by WITH sees those before it.
            waiting.append((entry["value"], inside))
            inside |= {str(entry["key"]).casefold()}
        own = {str(value["cte_name"]).casefold()} if value.get("cte_name") else set()
        for key, child in value.items():
            if key != "cte_map":
                # The second half of a recursive query sees its own rows.
                waiting.append((child, inside | own if key in ("right", "child") else inside))
