"""The calls of a reply as the run takes them, whatever the model wrote as their arguments."""

import json
from typing import Any

from pydantic_ai import messages as wire

from runs.agent.lenient_json import Malformed, read_arguments
from runs.agent.messages import ToolRequest
from runs.agent.plain_json import plain_json
from runs.agent.tools.validation import malformed_arguments


def tool_request(call: wire.ToolCallPart, *, was_cut: bool) -> ToolRequest:
    """The call. `was_cut` says that its reply may have broken off with it: then it is whole only if it has arguments.

    Arguments that had to be read by their meaning are written anew in the part too: servers that read the arguments of
    earlier turns refuse a request with others.
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


def _plain(arguments: dict[str, Any]) -> dict[str, Any]:
    try:
        plain: dict[str, Any] = plain_json(arguments)
    except (ValueError, RecursionError) as fault:
        return malformed_arguments(Malformed(str(fault), str(arguments)))
    return plain


def _is_object(written: str | dict[str, Any]) -> bool:
    try:
        return isinstance(json.loads(written) if isinstance(written, str) else written, dict)
    except (ValueError, RecursionError):
        return False
