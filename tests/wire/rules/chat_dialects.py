"""Features that some servers of the chat format lack, each refused in such a server's words: see `Dialect`."""

import json
from itertools import pairwise

from tests.wire.outcomes import Status
from tests.wire.rules.asked import Asked, Rule, invalid


def no_stream_options(asked: Asked) -> Status | None:
    """https://github.com/openai/openai-agents-python/issues/442"""
    if asked.dialect.stream_options or "stream_options" not in asked.body:
        return None
    return invalid("stream_options: Extra inputs are not permitted")


def no_mixed_strict(asked: Asked) -> Status | None:
    """https://github.com/mpfaffenberger/code_puppy/pull/368: Cerebras counts a missing `strict` as false."""
    values = {bool((tool.get("function") or {}).get("strict")) for _, tool in asked.tools()}
    if asked.dialect.mixed_strict or len(values) < 2:
        return None
    told = "Tools with mixed values for 'strict' are not allowed. Please set all tools to 'strict: true' or "
    return invalid(f"{told}'strict: false'", "tools", "wrong_api_format")


def no_json_object(asked: Asked) -> Status | None:
    """https://github.com/lmstudio-ai/lmstudio-bug-tracker/issues/189: LM Studio knows json_schema and text."""
    if asked.dialect.json_object or (asked.body.get("response_format") or {}).get("type") != "json_object":
        return None
    told = "'response_format.type' must be 'json_schema' or 'text'"
    return Status(400, message=told, body={"error": told})


def no_tools(asked: Asked) -> Status | None:
    """https://github.com/pydantic/pydantic-ai/issues/703: an Ollama model whose template has no tools."""
    if asked.dialect.tools or not asked.body.get("tools"):
        return None
    told = f"registry.ollama.ai/library/{asked.model} does not support tools"
    return Status(400, message=told, error_type="api_error")


def no_parallel_tool_calls(asked: Asked) -> Status | None:
    """https://github.com/tensorzero/tensorzero/issues/2805: o4-mini refuses it, as strict servers do."""
    if asked.dialect.parallel_tool_calls or "parallel_tool_calls" not in asked.body:
        return None
    told = "Unsupported parameter: 'parallel_tool_calls' is not supported with this model."
    return invalid(told, "parallel_tool_calls", "unsupported_parameter")


def no_user_after_tool(asked: Asked) -> Status | None:
    """https://github.com/BerriAI/litellm/issues/17761: the words and the code are those of Mistral's API."""
    roles = [message.get("role") for message in asked.body.get("messages") or ()]
    if asked.dialect.user_after_tool or ("tool", "user") not in pairwise(roles):
        return None
    told = "Unexpected role 'user' after role 'tool'"
    body = {"object": "error", "message": told, "type": "invalid_request_message_order", "param": None, "code": "3230"}
    return Status(400, message=told, body=body)


def no_side_twice(asked: Asked) -> Status | None:
    """https://github.com/mistralai/mistral-vibe/issues/1006: a template's exception is an error 500 of llama.cpp.

    The template passes over results and over replies with calls.
    """
    counted = [
        message["role"]
        for message in asked.body.get("messages") or ()
        if message["role"] in ("user", "assistant") and not message.get("tool_calls")
    ]
    if asked.dialect.same_side_twice or all((role == "user") == (place % 2 == 0) for place, role in enumerate(counted)):
        return None
    told = (
        "\n------------\nWhile executing CallExpression at line 189, column 32 in source:\n...== 0) %}\n            "
        "{{- raise_exception('After the optional system message, con...\n                                           ^\n"
        "Error: Jinja Exception: After the optional system message, conversation roles must alternate user and "
        "assistant roles except for tool calls and results."
    )
    return Status(500, message=told, error_type="server_error")


def no_broken_arguments(asked: Asked) -> Status | None:
    """https://github.com/ggml-org/llama.cpp/issues/22948: llama.cpp parses the arguments of the history, too."""
    if asked.dialect.broken_arguments:
        return None
    for message in asked.body.get("messages") or ():
        for call in message.get("tool_calls") or ():
            try:
                json.loads(call["function"]["arguments"])
            except ValueError as error:
                return Status(500, message=f"Failed to parse tool call arguments as JSON: {error}")
    return None


RULES: tuple[Rule, ...] = (
    no_stream_options,
    no_mixed_strict,
    no_json_object,
    no_tools,
    no_parallel_tool_calls,
    no_user_after_tool,
    no_side_twice,
    no_broken_arguments,
)
