"""Tools and answer schemas, as both formats of OpenAI check them."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from tests.wire.outcomes import Status
from tests.wire.rules.asked import Asked, invalid
from tests.wire.rules.schemas import openai_fault

NAME = re.compile(r"[a-zA-Z0-9_-]+")
MAX_NAME_CHARS = 64


def tool_list(
    asked: Asked, function_of: Callable[[Mapping[str, Any]], Mapping[str, Any]], inside: str
) -> Status | None:
    """The first fault of the tools; None if there is none.

    Unique names are documented by Anthropic and Google only; with two tools of one name, a server cannot say which it
    calls.
    """
    offered = asked.body.get("tools")
    if offered is not None and not isinstance(offered, list):
        return invalid("Invalid type for 'tools': expected an array.", "tools", "invalid_type")
    names: set[str] = set()
    for index, tool in asked.tools():
        if tool.get("type") != "function":
            continue
        function = function_of(tool)
        where = f"tools[{index}].{inside}"
        if wrong := name_fault(function.get("name"), f"{where}name") or _schema_fault(function, f"{where}parameters"):
            return wrong
        if function["name"] in names:
            return invalid(f"Invalid 'tools': the name '{function['name']}' is there more than once.", "tools")
        names.add(function["name"])
    return None


def name_fault(name: Any, param: str) -> Status | None:
    """https://platform.openai.com/docs/api-reference/chat/create: letters, digits, underscores, dashes; 64 at most.

    Its words: https://github.com/mcp-use/mcp-use/pull/94.
    """
    if not isinstance(name, str) or not name:
        return invalid(f"Missing required parameter: '{param}'.", param, "missing_required_parameter")
    if not NAME.fullmatch(name):
        told = f"Invalid '{param}': string does not match pattern. Expected a string that matches the pattern "
        return invalid(f"{told}'^[a-zA-Z0-9_-]+$'.", param, "invalid_value")
    return too_long(name, param, MAX_NAME_CHARS)


def too_long(text: str, param: str, most: int) -> Status | None:
    """The refusal of a text with more than `most` characters; None for a shorter one."""
    if len(text) <= most:
        return None
    told = f"Invalid '{param}': string too long. Expected a string with maximum length {most}, "
    return invalid(f"{told}but got a string with length {len(text)} instead.", param, "string_above_max_length")


def _schema_fault(function: Mapping[str, Any], param: str) -> Status | None:
    schema = function.get("parameters")
    if schema is None:
        return None  # a function without parameters
    fault = openai_fault(schema, strict=function.get("strict") is True)
    if fault is None:
        return None
    told = f"Invalid schema for function '{function.get('name')}': {fault}"
    return invalid(told, param, "invalid_function_parameters")


def answer_schema(wanted: Mapping[str, Any], param: str) -> Status | None:
    """What is wrong with the schema of an answer: https://github.com/langchain-ai/langchain/pull/32879."""
    if wrong := name_fault(wanted.get("name"), f"{param}.name"):
        return wrong
    fault = openai_fault(wanted.get("schema"), strict=wanted.get("strict") is True)
    return invalid(f"Invalid schema for {param} '{wanted['name']}': {fault}", param) if fault else None
