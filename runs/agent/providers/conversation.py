"""Our turns as the transport's messages, and its response as our reply."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pydantic
from pydantic_ai import messages as wire

from runs.agent.messages import ModelReply, ModelRequest, ToolRequest, ToolResult, Turn, Usage
from runs.agent.plain_json import plain_json
from runs.agent.tools.validation import MALFORMED
from runs.agent.wording import output_text

REPLAY_FORMAT = "pydantic-ai/2"
"""Marks a replay value as ours. Another provider's, or an older one's, is not replayed but written anew."""

_NOT_REPLAYED = {"usage", "timestamp", "metadata", "run_id", "conversation_id"}
"""What the response says about itself and no provider wants back."""

_responses: pydantic.TypeAdapter[wire.ModelResponse] = pydantic.TypeAdapter(wire.ModelResponse)


def conversation(request: ModelRequest) -> list[wire.ModelMessage]:
    """The task, and every turn with its results."""
    return list(_messages(request))


def _messages(request: ModelRequest) -> Iterator[wire.ModelMessage]:
    instructions = request.instructions or None
    yield wire.ModelRequest(parts=[wire.UserPromptPart(request.task)], instructions=instructions)
    for number, turn in enumerate(request.turns, start=1):
        response = _response(turn, number)
        yield response
        if turn.results:
            returns = [_tool_return(call, each) for call, each in zip(response.tool_calls, turn.results, strict=True)]
            yield wire.ModelRequest(parts=returns, instructions=instructions)


def _response(turn: Turn, number: int) -> wire.ModelResponse:
    """The turn's reply as the provider gave it, or, where another one gave it, with the same content."""
    match turn.reply.replay:
        case {"format": str(known), "response": dict(response)} if known == REPLAY_FORMAT:
            return _responses.validate_python(response)
    parts: list[wire.ModelResponsePart] = [wire.TextPart(turn.reply.text)] if turn.reply.text else []
    for index, call in enumerate(turn.reply.calls):
        parts.append(wire.ToolCallPart(call.tool_name, call.arguments, tool_call_id=f"call_{number}_{index}"))
    # A fixed time: the same history must give the same request, or a provider's prompt cache misses.
    return wire.ModelResponse(parts=parts, timestamp=datetime(2026, 1, 1, tzinfo=UTC))


def _tool_return(call: wire.ToolCallPart, result: ToolResult) -> wire.ToolReturnPart:
    told = result.error.message if result.error else output_text(result.output)
    outcome: Any = "failed" if result.error else "success"
    return wire.ToolReturnPart(call.tool_name, told, call.tool_call_id, outcome=outcome)


def reply_from(response: wire.ModelResponse, usage: Usage) -> ModelReply:
    """The reply, with what the provider wants back.

    Calls count by their presence, not by the finish reason: servers say "stop" beside calls, and "tool_calls" without.
    """
    dumped = _responses.dump_python(response, mode="json", exclude_none=True)
    kept = {name: value for name, value in dumped.items() if name not in _NOT_REPLAYED}
    return ModelReply(
        text=response.text or "",
        reasoning=response.thinking or "",
        calls=tuple(_tool_request(call) for call in response.tool_calls),
        usage=usage,
        replay={"format": REPLAY_FORMAT, "response": kept},
    )


def _tool_request(call: wire.ToolCallPart) -> ToolRequest:
    written: Any = call.args or {}
    try:
        arguments = plain_json(json.loads(written) if isinstance(written, str) else written)
    except (ValueError, RecursionError):
        arguments = None
    if not isinstance(arguments, dict):
        arguments = {MALFORMED: plain_json(str(written))}
    return ToolRequest(call.tool_name, arguments)
