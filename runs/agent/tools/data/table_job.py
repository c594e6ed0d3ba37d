"""The sandboxed job of the table tools: `describe` one table, or `query` several."""

import json
from typing import Any, Final

import duckdb

from runs.agent.json_data.json_values import as_storable_json
from runs.agent.sandbox.refusal import JobRefused
from runs.agent.tools.data.database import close_to_the_outside, connect
from runs.agent.tools.data.query_result import fetch
from runs.agent.tools.data.select_check import check_select
from runs.agent.tools.data.table_description import describe
from runs.agent.tools.data.table_files import TableFile, load_files

NOTES_TOLD: Final = 20


def run(request: bytes) -> bytes:
    """The answer to a request, both JSON. Raises `JobRefused`."""
    asked = json.loads(request)
    files = [TableFile.of(each) for each in asked["files"]]
    connection = connect()
    try:
        if asked["do"] == "describe":
            answer = describe(connection, files[0], asked["sheet"])
        else:
            answer = _query(connection, files, asked)
    except duckdb.OutOfMemoryException:
        raise JobRefused("It needs too much memory.") from None
    return json.dumps(as_storable_json(answer), ensure_ascii=False).encode()


def _query(connection: duckdb.DuckDBPyConnection, files: list[TableFile], asked: dict[str, Any]) -> dict[str, Any]:
    tables = load_files(connection, files)
    close_to_the_outside(connection)
    select = check_select(connection, asked["sql"], tables)
    result = fetch(connection, select, most_rows=asked["most_rows"], most_bytes=asked["most_bytes"])
    notes = list(dict.fromkeys(note for table in tables.values() for note in table.notes))[:NOTES_TOLD]
    if result.cut_cells:
        notes.append(f"{result.cut_cells} long texts are cut.")
    return {
        "columns": result.columns,
        "types": result.types,
        "rows": result.rows,
        "has_more": result.has_more,
        "notes": notes,
    }
