"""Our turns as the transport's messages."""

import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import pydantic
from pydantic_ai import messages as wire

from runs.agent.messages import ModelRequest, ToolResult, Turn
from runs.agent.providers.replies import REPLAY_FORMAT, RESPONSES
from runs.agent.providers.served import ServedModel

GO_ON: Final = (
    "Your reply was cut off there. Go on exactly where it stopped: repeat nothing of it, and say nothing about the "
    "break."
)
MAX_NAME_CHARS: Final = 64
_NOT_IN_NAMES: Final = re.compile(r"[^a-zA-Z0-9_-]")
_NOT_IN_IDS: Final = _NOT_IN_NAMES
NO_OUTPUT: Final = "(no output)"
"""What a tool gave that gave nothing: providers refuse a text without a letter in it."""


def conversation(request: ModelRequest, served: ServedModel) -> list[wire.ModelMessage]:
    """What was said before the task, the task, and every turn with its results, as that server is told them."""
    return list(_messages(request, _Reader(served, frozenset(tool.name for tool in request.tools))))


@dataclass(frozen=True, slots=True)
class _Reader:
    """Who reads the conversation."""

    server: ServedModel
    tool_names: frozenset[str]
    """The tools it is offered: their names are fit for it."""


def _messages(request: ModelRequest, reader: _Reader) -> Iterator[wire.ModelMessage]:
    instructions = request.instructions or None
    unanswered = ""
    for place, exchange in enumerate(request.earlier, start=1):
        yield _asked(unanswered + exchange.task, instructions)
        yield from _turns(exchange.turns, f"{place}_", reader, instructions)
        unanswered = ""
        if exchange.answer is not None:
            yield _response(Turn(exchange.answer), f"{place}_answer", reader)
        else:
            unanswered = f"[{exchange.ending or 'That task ended without an answer.'}]\n\n"
    yield _asked(unanswered + request.task, instructions)
    yield from _turns(request.turns, "", reader, instructions)
    if request.output_faults and not (request.turns and request.turns[-1].faults):
        yield _asked(_asked_again(request.output_faults), instructions)


def _asked(said: str, instructions: str | None) -> wire.ModelRequest:
    return wire.ModelRequest(parts=[wire.UserPromptPart(said)], instructions=instructions)


def _turns(
    turns: Sequence[Turn], prefix: str, reader: _Reader, instructions: str | None
) -> Iterator[wire.ModelMessage]:
    for number, turn in enumerate(turns, start=1):
        response = _response(turn, f"{prefix}{number}", reader)
        yield response
        if turn.results:
            returns = [_tool_return(call, each) for call, each in zip(response.tool_calls, turn.results, strict=True)]
            yield wire.ModelRequest(parts=returns, instructions=instructions)
        elif turn.faults:
            yield _asked(_asked_again(turn.faults), instructions)
        elif turn.is_unfinished:
            yield _asked(GO_ON, instructions)


def _asked_again(faults: Sequence[str]) -> str:
    listed = "\n".join(f"- {fault}" for fault in faults)
    return f"Your answer does not fit its JSON Schema:\n{listed}\nAnswer again, with nothing but JSON that fits."


def _response(turn: Turn, number: str, reader: _Reader) -> wire.ModelResponse:
    """The turn's reply as this server gave it, or, where another one gave it, with the same content.

    What another one thought is not told: its signatures mean nothing here, and as plain text it would look like
    something said.
    """
    match turn.reply.replay:
        case {"format": str(known), "server": str(giver), "response": dict(response)} if known == REPLAY_FORMAT:
            if giver == reader.server.name:
                with suppress(pydantic.ValidationError):  # written by another version
                    return _as_taken(RESPONSES.validate_python(response), reader)
    parts: list[wire.ModelResponsePart] = [wire.TextPart(turn.reply.text)] if turn.reply.text.strip() else []
    for index, call in enumerate(turn.reply.calls):
        parts.append(wire.ToolCallPart(call.tool_name, call.arguments, tool_call_id=f"call_{number}_{index}"))
    # A fixed time: the same history must give the same request, or a provider's prompt cache misses.
    return _as_taken(wire.ModelResponse(parts=parts, timestamp=datetime(2026, 1, 1, tzinfo=UTC)), reader)


def _as_taken(response: wire.ModelResponse, reader: _Reader) -> wire.ModelResponse:
    """The response without what its provider gave and refuses to take back: texts without a letter, thoughts without
    the signature it wants with them, and in names and ids what it does not allow.

    Without one of its thoughts a response is no longer what its provider knows by its items' ids.
    """
    # Several summaries of one thought have one signature: the first has it.
    is_changed = False
    signed = {part.id for part in response.parts if isinstance(part, wire.ThinkingPart) and part.signature and part.id}
    parts: list[wire.ModelResponsePart] = []
    for part in response.parts:
        match part:
            case wire.TextPart(content=text) if not text.strip():
                continue
            case wire.ThinkingPart(signature=signature, id=thought_id):
                if reader.server.signs_thoughts and not signature and thought_id not in signed:
                    is_changed = True
                    continue
            case wire.ToolCallPart():
                part.tool_name = _allowed_name(part.tool_name, reader.tool_names)
                if not reader.server.call_id_pattern.fullmatch(part.tool_call_id):
                    part.tool_call_id = _NOT_IN_IDS.sub("_", part.tool_call_id) or "call"
        parts.append(part)
    for part in parts if is_changed else ():
        if isinstance(part, wire.TextPart | wire.ThinkingPart | wire.ToolCallPart):
            part.id = None
    response.parts = parts
    return response


def _allowed_name(name: str, tool_names: Collection[str]) -> str:
    """The name of a call as every provider takes it: models make up names that none does."""
    return name if name in tool_names else _NOT_IN_NAMES.sub("_", name)[:MAX_NAME_CHARS] or "unnamed"


def _tool_return(call: wire.ToolCallPart, result: ToolResult) -> wire.ToolReturnPart:
    outcome: Any = "failed" if result.error else "success"
    told = result.told if result.told.strip() else NO_OUTPUT
    return wire.ToolReturnPart(call.tool_name, told, call.tool_call_id, outcome=outcome)
