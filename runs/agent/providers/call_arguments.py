"""The tool calls of a reply as `ToolRequest`, for any arguments that a model may write."""

import json

from pydantic_ai import messages as wire

from runs.agent.json_data.json_types import JsonObject
from runs.agent.json_data.json_values import plain_json
from runs.agent.json_data.lenient_json import Malformed, read_arguments
from runs.agent.messages import ToolRequest
from runs.agent.tools.validation import malformed_arguments


def tool_request(call: wire.ToolCallPart, *, was_cut: bool) -> ToolRequest:
    """The requested call. `was_cut`: the reply may have ended in it, so a call without arguments counts as incomplete.

    Arguments that are not strict JSON are replaced in `call` too: servers that parse the arguments of earlier turns
    refuse a request with invalid ones.
    """
    name = str(plain_json(call.tool_name))
    if isinstance(call.args, dict) and call.args:
        return ToolRequest(name, _plain(call.args))
    written = call.args if isinstance(call.args, str) else ""
    read = read_arguments(written, was_cut=was_cut)
    if was_cut and not read:
        read = Malformed("the reply was cut off before they were complete", written)
    elif was_cut and isinstance(read, Malformed):
        read = Malformed(f"the reply was cut off before they were complete ({read.reason})", read.text)
    arguments = malformed_arguments(read) if isinstance(read, Malformed) else read
    if not _is_object(call.args or ""):
        call.args = arguments
    return ToolRequest(name, arguments)


def _plain(arguments: JsonObject) -> JsonObject:
    try:
        plain: JsonObject = plain_json(arguments)
    except (ValueError, RecursionError) as fault:
        return malformed_arguments(Malformed(str(fault), str(arguments)))
    return plain


def _is_object(written: str | JsonObject) -> bool:
    try:
        return isinstance(json.loads(written) if isinstance(written, str) else written, dict)
    except (ValueError, RecursionError):
        return False
