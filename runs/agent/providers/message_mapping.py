"""Mapping of turns to the transport's messages."""

import re
from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import reduce
from typing import Any, Final

import pydantic
from pydantic_ai import messages as wire

from runs.agent.files.file_info import Image
from runs.agent.files.file_list import task_with_files
from runs.agent.messages import Exchange, ModelRequest, ToolResult, Turn
from runs.agent.providers.reply_mapping import REPLAY_FORMAT, RESPONSES
from runs.agent.providers.server_adaptations import ASSISTANT_AFTER_TOOLS
from runs.agent.providers.wire_format import WireFormat

GO_ON: Final = (
    "Your reply was cut off there. Go on exactly where it stopped: repeat nothing of it, and say nothing about the "
    "break."
)
CUT_OFF: Final = "Your reply was interrupted there."
"""Instead of `GO_ON` if a person has said something since."""
UNDERSTOOD: Final = "Understood."
"""Said for the model between results and what it is told, for servers that take no user message after results.
https://github.com/avante-corp/avante.nvim/pull/2695 does the same."""
MAX_NAME_CHARS: Final = 64
_NOT_IN_NAMES: Final = re.compile(r"[^a-zA-Z0-9_-]")
_NOT_IN_IDS: Final = _NOT_IN_NAMES
NOT_SEEN: Final = "[The image {name} was given with this, but you cannot see images. Say so if it matters.]"
NO_OUTPUT: Final = "(no output)"
"""The text of an empty tool result: providers refuse a blank text."""
_A_TIME: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""A fixed time: the same history must give the same request, for the provider's prompt cache."""


def conversation(
    request: ModelRequest, wire_format: WireFormat, *, sees: bool | None = None
) -> list[wire.ModelMessage]:
    """The messages for a server: the earlier exchanges, the task, and every turn with its results.

    `sees` False is a model that takes no images; None: unknown, so it gets them.
    """
    return list(_messages(request, _Recipient(wire_format, frozenset(tool.name for tool in request.tools), sees)))


@dataclass(frozen=True, slots=True)
class _Recipient:
    """The server that receives the conversation."""

    wire_format: WireFormat
    tool_names: frozenset[str]
    """The offered tools, whose names the server accepts."""
    sees: bool | None = None
    """False: the model takes no images, so it is told of them."""

    def images(self, images: Sequence[Image]) -> list[wire.UserContent]:
        """The images in the form of the server, in their order."""
        return [
            NOT_SEEN.format(name=each.name)
            if self.sees is False
            else wire.BinaryContent(each.content, media_type=each.media_type)
            for each in images
        ]


def _messages(request: ModelRequest, recipient: _Recipient) -> Iterator[wire.ModelMessage]:
    instructions = request.instructions or None
    asked = _ModelInput()
    for place, exchange in enumerate(request.earlier, start=1):
        asked = asked.and_then(exchange.task, recipient.images(exchange.images))
        asked = yield from _turns(asked, exchange, f"{place}_", recipient, instructions)
        if exchange.answer is None:
            asked = asked.and_then(f"[{exchange.ending or 'That task ended without an answer.'}]")
            continue
        yield from asked.messages(recipient, instructions)
        yield _response(Turn(exchange.answer), f"{place}_answer", recipient)
        asked = _ModelInput()
    asked = asked.and_then(task_with_files(request.task, request.files), recipient.images(request.images))
    asked = yield from _turns(asked, request, "", recipient, instructions)
    if request.output_faults and not (request.turns and request.turns[-1].faults):
        asked = asked.and_then(_asked_again(request.output_faults))
    yield from asked.messages(recipient, instructions)


@dataclass(frozen=True, slots=True)
class _ModelInput:
    """What the model is sent between two replies: results of tools, and what it is told, in one message.

    One, because many servers require that the sides take turns.
    """

    told: tuple[wire.UserContent, ...] = ()
    """Texts and images, in their order."""
    returns: Sequence[wire.ToolReturnPart] = ()
    goes_on: bool = False
    """True if it asks only that the model goes on with a reply that was cut off."""

    def and_then(self, text: str, images: Sequence[wire.UserContent] = ()) -> "_ModelInput":
        """The same, and then a text with its images. A reply that was cut off is not continued after it."""
        told = (CUT_OFF,) if self.goes_on else self.told
        if told and isinstance(told[-1], str):
            told, text = told[:-1], f"{told[-1]}\n\n{text}"
        return replace(self, told=(*told, text, *images), goes_on=False)

    def with_messages(self, messages: Sequence[str]) -> "_ModelInput":
        """The same, and then what people have said to the run."""
        return reduce(_ModelInput.and_then, messages, self)

    def messages(self, recipient: _Recipient, instructions: str | None) -> Iterator[wire.ModelMessage]:
        """The message for the transport; none if there is nothing to send, and three for results and a text to a server
        that takes no user message after results."""
        returns: list[wire.ModelRequestPart] = [*self.returns]
        told: list[wire.ModelRequestPart] = []
        match self.told:
            case (str(text),):
                told = [wire.UserPromptPart(text)]
            case (_, *_):
                told = [wire.UserPromptPart([*self.told])]
        if returns and told and ASSISTANT_AFTER_TOOLS in recipient.wire_format.adaptations:
            yield wire.ModelRequest(parts=returns, instructions=instructions)
            yield wire.ModelResponse(parts=[wire.TextPart(UNDERSTOOD)], timestamp=_A_TIME)
            returns = []
        if returns or told:
            yield wire.ModelRequest(parts=returns + told, instructions=instructions)


def _turns(
    asked: _ModelInput, of: ModelRequest | Exchange, prefix: str, recipient: _Recipient, instructions: str | None
) -> Generator[wire.ModelMessage, None, _ModelInput]:
    """What is asked first, every turn, and what the model is told after each; returns what follows the last turn."""
    for number, turn in enumerate(of.turns, start=1):
        yield from asked.with_messages(turn.messages).messages(recipient, instructions)
        response = _response(turn, f"{prefix}{number}", recipient)
        yield response
        asked = _asked_after(turn, response)
    return asked.with_messages(of.messages)


def _asked_after(turn: Turn, response: wire.ModelResponse) -> _ModelInput:
    if turn.results:
        pairs = zip(response.tool_calls, turn.results, strict=True)
        return _ModelInput(returns=[_tool_return(call, each) for call, each in pairs])
    if turn.faults:
        return _ModelInput((_asked_again(turn.faults),))
    return _ModelInput((GO_ON,), goes_on=True) if turn.is_unfinished else _ModelInput()


def _asked_again(faults: Sequence[str]) -> str:
    listed = "\n".join(f"- {fault}" for fault in faults)
    return f"Your answer does not fit its JSON Schema:\n{listed}\nAnswer again, with nothing but JSON that fits."


def _response(turn: Turn, number: str, recipient: _Recipient) -> wire.ModelResponse:
    """The turn's reply as this server sent it; a reply of another server with the same content.

    The thoughts of another server are left out: their signatures are not valid here, and as plain text they would look
    like a part of the answer.
    """
    match turn.reply.replay:
        case {"format": str(known), "server": str(giver), "response": dict(response)} if known == REPLAY_FORMAT:
            if giver == recipient.wire_format.name:
                with suppress(pydantic.ValidationError):  # stored by another version
                    return _as_taken(RESPONSES.validate_python(response), recipient)
    parts: list[wire.ModelResponsePart] = [wire.TextPart(turn.reply.text)] if turn.reply.text.strip() else []
    for index, call in enumerate(turn.reply.calls):
        parts.append(wire.ToolCallPart(call.tool_name, call.arguments, tool_call_id=f"call_{number}_{index}"))
    return _as_taken(wire.ModelResponse(parts=parts, timestamp=_A_TIME), recipient)


def _as_taken(response: wire.ModelResponse, recipient: _Recipient) -> wire.ModelResponse:
    """The response without what the provider refuses in a request: blank texts, thoughts without the required
    signature, and invalid characters in names and ids.

    If a thought is removed, the item ids are removed too: the provider knows them only for the full response.
    """
    # Of several summaries of one thought only the first has the signature.
    is_changed = False
    signed = {part.id for part in response.parts if isinstance(part, wire.ThinkingPart) and part.signature and part.id}
    parts: list[wire.ModelResponsePart] = []
    for part in response.parts:
        match part:
            case wire.TextPart(content=text) if not text.strip():
                continue
            case wire.ThinkingPart(signature=signature, id=thought_id):
                if recipient.wire_format.signs_thoughts and not signature and thought_id not in signed:
                    is_changed = True
                    continue
            case wire.ToolCallPart():
                part.tool_name = _allowed_name(part.tool_name, recipient.tool_names)
                if not recipient.wire_format.call_id_pattern.fullmatch(part.tool_call_id):
                    part.tool_call_id = _NOT_IN_IDS.sub("_", part.tool_call_id) or "call"
        parts.append(part)
    for part in parts if is_changed else ():
        if isinstance(part, wire.TextPart | wire.ThinkingPart | wire.ToolCallPart):
            part.id = None
    response.parts = parts
    return response


def _allowed_name(name: str, tool_names: Collection[str]) -> str:
    """The name of a call in a form that every provider accepts: models invent invalid names."""
    return name if name in tool_names else _NOT_IN_NAMES.sub("_", name)[:MAX_NAME_CHARS] or "unnamed"


def _tool_return(call: wire.ToolCallPart, result: ToolResult) -> wire.ToolReturnPart:
    outcome: Any = "failed" if result.error else "success"
    told = result.model_text if result.model_text.strip() else NO_OUTPUT
    return wire.ToolReturnPart(call.tool_name, told, call.tool_call_id, outcome=outcome)
