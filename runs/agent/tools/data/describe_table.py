"""The tool that tells what is in a table."""

from runs.agent.json_data.json_types import JsonObject
from runs.agent.tools.data.sandboxed_tables import ask_tables
from runs.agent.tools.registry import tool


@tool(effect="read", layer="builtin", needs_files=True)
async def describe_table(file: str, sheet: str | None = None) -> JsonObject:
    """What is in a table of the run's files: its columns with types, smallest and largest values, how many are empty or
    distinct, the number of rows, and the first rows. Read this before query_table: it also says what the table is
    called there.

    Args:
        file: The name of a file: CSV, TSV, XLSX, a JSON list of objects, or JSON lines.
        sheet: The name of a sheet of an XLSX file; its first one if absent.
    """
    return await ask_tables([file], do="describe", sheet=sheet or "")
