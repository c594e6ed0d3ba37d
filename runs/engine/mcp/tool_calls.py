"""The calls of stored tools whose sources are MCP servers."""

from typing import Any

from runs.agent.json_data.json_types import JsonObject
from runs.agent.tools.person_questions import given_answers
from runs.engine.mcp.pool import mcp_loop
from runs.engine.mcp.target import Target
from runs.engine.stored_tools.stored_function import ToolRecord


async def call_mcp_tool(record: ToolRecord, arguments: JsonObject) -> Any:
    """Call a tool of an MCP server: the `Caller` of the kind `mcp`.

    Returns a text, JSON, or a list with files. Raises `ToolFailed` with the server's words, `ToolUnavailable` if the
    call was not made, `OutcomeUnknown` if an unsafe one may have been, and `PersonAsked` with what the server asks.
    """
    # Here: the SDK takes most of a second to load, which the first call of a process waits for.
    from runs.engine.mcp.questions import resumed_with
    from runs.engine.mcp.results import output_of

    resumed = resumed_with(record.source, given_answers())
    loop = mcp_loop()
    target = Target(record.source_id, record.source, record.options)
    return output_of(await loop.run(loop.call(target, record, arguments, resumed)))
