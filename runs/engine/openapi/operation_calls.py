"""The calls of stored tools whose sources are APIs."""

from typing import Any

from runs.agent.json_data.json_types import JsonObject
from runs.engine.stored_tools.stored_function import ToolRecord


async def call_api_operation(record: ToolRecord, arguments: JsonObject) -> Any:
    """Call an operation: the `Caller` of the kind `openapi`. Raises what `call_operation` raises."""
    # Here: a process that calls no API loads none of it.
    from runs.agent.tools.openapi.operation_call import call_operation

    return await call_operation(
        record.request,
        arguments,
        server=str(record.options.get("server", "")),
        credentials=record.options.get("credentials", {}),
        effect=record.effect,
    )
