"""The tool that answers SQL over tables."""

from typing import Final

from runs.agent.json_data.json_types import JsonObject
from runs.agent.tools.data.sandboxed_tables import ask_tables
from runs.agent.tools.registry import tool

MAX_ROWS: Final = 200
MAX_ROWS_BYTES: Final = 24_000
"""Of the rows as JSON: models see about as much of a result."""


@tool(effect="read", layer="builtin", needs_files=True)
async def query_table(sql: str, files: list[str]) -> JsonObject:
    """Run one SELECT of DuckDB's SQL over tables of the run's files, and return its columns and rows.

    A file is a table named like it without its end (`sales` for sales.csv), as describe_table says; "sales.csv" in
    double quotes works, too. A workbook's first sheet has the name of the file, and each sheet that of the file and its
    own (`book_May`), if there are several. Several files can be joined. At most 200 rows come back: aggregate, sort and
    limit in SQL.

    Args:
        sql: Exactly one SELECT, also with WITH. Names with spaces or special characters are in double quotes.
        files: The names of the files that the query uses.
    """
    answer = await ask_tables(files, do="query", sql=sql, most_rows=MAX_ROWS, most_bytes=MAX_ROWS_BYTES)
    rows, notes = answer["rows"], answer["notes"]
    result: JsonObject = {"columns": answer["columns"], "rows": rows, "row_count": len(rows)}
    if answer["has_more"]:
        result["cut"] = (
            f"These are the first {len(rows)} rows; there are more. Aggregate, filter or use LIMIT and OFFSET."
        )
    if notes:
        result["notes"] = notes
    return result
