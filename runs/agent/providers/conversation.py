"""Our turns as the transport's messages, and its response as our reply."""

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pydantic
from pydantic_ai import messages as wire

from runs.agent.lenient_json import Malformed, read_arguments
from runs.agent.messages import ModelReply, ModelRequest, ToolRequest, ToolResult, Turn, Usage
from runs.agent.plain_json import plain_json
from runs.agent.tools.validation import malformed_arguments

REPLAY_FORMAT = "pydantic-ai/2"
"""Marks a replay value as ours. Another provider's, or an older one's, is not replayed but written anew."""

_NOT_REPLAYED = {"usage", "timestamp", "metadata", "run_id", "conversation_id"}
"""What the response says about itself and no provider wants back."""

_responses: pydantic.TypeAdapter[wire.ModelResponse] = pydantic.TypeAdapter(wire.ModelResponse)


def conversation(request: ModelRequest, server: str) -> list[wire.ModelMessage]:
    """What was said before the task, the task, and every turn with its results, as that server is told them."""
    return list(_messages(request, server))


def _messages(request: ModelRequest, server: str) -> Iterator[wire.ModelMessage]:
    instructions = request.instructions or None
    unanswered = ""
    for place, exchange in enumerate(request.earlier, start=1):
        yield _asked(unanswered + exchange.task, instructions)
        yield from _turns(exchange.turns, f"{place}_", server, instructions)
        unanswered = ""
        if exchange.answer is not None:
            yield _response(Turn(exchange.answer), f"{place}_answer", server)
        else:
            unanswered = f"[{exchange.ending or 'That task ended without an answer.'}]\n\n"
    yield _asked(unanswered + request.task, instructions)
    yield from _turns(request.turns, "", server, instructions)
    if request.output_faults and not (request.turns and request.turns[-1].faults):
        yield _asked(_asked_again(request.output_faults), instructions)


def _asked(said: str, instructions: str | None) -> wire.ModelRequest:
    return wire.ModelRequest(parts=[wire.UserPromptPart(said)], instructions=instructions)


def _turns(turns: Sequence[Turn], prefix: str, server: str, instructions: str | None) -> Iterator[wire.ModelMessage]:
    for number, turn in enumerate(turns, start=1):
        response = _response(turn, f"{prefix}{number}", server)
        yield response
        if turn.results:
            returns = [_tool_return(call, each) for call, each in zip(response.tool_calls, turn.results, strict=True)]
            yield wire.ModelRequest(parts=returns, instructions=instructions)
        elif turn.faults:
            yield _asked(_asked_again(turn.faults), instructions)


def _asked_again(faults: Sequence[str]) -> str:
    listed = "\n".join(f"- {fault}" for fault in faults)
    return f"Your answer does not fit its JSON Schema:\n{listed}\nAnswer again, with nothing but JSON that fits."


def _response(turn: Turn, number: str, server: str) -> wire.ModelResponse:
    """The turn's reply as this server gave it, or, where another one gave it, with the same content.

    What another one thought is not told: its signatures mean nothing here, and as plain text it would look like
    something said.
    """
    match turn.reply.replay:
        case {"format": str(known), "server": str(giver), "response": dict(response)} if known == REPLAY_FORMAT:
            if giver == server:
                with suppress(pydantic.ValidationError):  # written by another version
                    return _responses.validate_python(response)
    parts: list[wire.ModelResponsePart] = [wire.TextPart(turn.reply.text)] if turn.reply.text else []
    for index, call in enumerate(turn.reply.calls):
        parts.append(wire.ToolCallPart(call.tool_name, call.arguments, tool_call_id=f"call_{number}_{index}"))
    # A fixed time: the same history must give the same request, or a provider's prompt cache misses.
    return wire.ModelResponse(parts=parts, timestamp=datetime(2026, 1, 1, tzinfo=UTC))


def _tool_return(call: wire.ToolCallPart, result: ToolResult) -> wire.ToolReturnPart:
    outcome: Any = "failed" if result.error else "success"
    return wire.ToolReturnPart(call.tool_name, result.told, call.tool_call_id, outcome=outcome)


def reply_from(response: wire.ModelResponse, usage: Usage, server: str) -> ModelReply:
    """The reply, with what the server of that name wants back.

    Calls count by their presence, not by the finish reason: servers say "stop" beside calls, and "tool_calls" without.
    """
    _tell_calls_apart(response)
    was_cut = response.finish_reason == "length"
    last = response.parts[-1] if response.parts else None  # nothing else can have been cut
    calls = tuple(_tool_request(call, was_cut=was_cut and call is last) for call in response.tool_calls)
    dumped = _responses.dump_python(response, mode="json", exclude_none=True)
    kept = {name: value for name, value in dumped.items() if name not in _NOT_REPLAYED}
    return ModelReply(
        text=response.text or "",
        reasoning=response.thinking or "",
        calls=calls,
        usage=usage,
        replay={"format": REPLAY_FORMAT, "server": server, "response": kept},
    )


def _tell_calls_apart(response: wire.ModelResponse) -> None:
    """Rename calls whose id another call of the reply has: their results could not be told apart."""
    seen: set[str] = set()
    for call in response.tool_calls:
        while call.tool_call_id in seen:
            call.tool_call_id += "_2"
        seen.add(call.tool_call_id)


def _tool_request(call: wire.ToolCallPart, *, was_cut: bool) -> ToolRequest:
    """The call as the run takes it. Arguments that had to be read by their meaning are written anew in the part too:
    servers that read the arguments of earlier turns refuse a request with others."""
    if isinstance(call.args, dict) and call.args:
        return ToolRequest(call.tool_name, _plain(call.args))
    written = call.args or ""
    read = read_arguments(written if isinstance(written, str) else "", was_cut=was_cut)
    arguments = malformed_arguments(read) if isinstance(read, Malformed) else read
    if not _is_object(written):
        call.args = arguments
    return ToolRequest(call.tool_name, arguments)


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
