"""One reply over the chat-completions format. pydantic-ai is the transport: it knows the format's many dialects.

Slow to import; `openai.py` does it when the first reply is asked for.
"""

from typing import Final

from pydantic_ai.direct import model_request_stream
from pydantic_ai.messages import PartDeltaEvent, PartStartEvent, TextPart, TextPartDelta
from pydantic_ai.models import ModelRequestParameters, StreamedResponse
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition

from runs.agent.errors import FailureKind, FailurePhase, ModelFailure
from runs.agent.messages import ModelReply, ModelRequest, OnDelta, Usage
from runs.agent.providers.clients import model_at
from runs.agent.providers.conversation import conversation, reply_from
from runs.agent.providers.failures import FOREIGN_ERRORS, failure_from
from runs.agent.providers.openai import Server

MAX_TOKENS: Final = 10**9
"""More than any request reads or writes. What a server reports beyond it is not stored and not counted."""


async def reply(server: Server, model: str, request: ModelRequest, on_delta: OnDelta | None) -> ModelReply:
    """Ask and read to the end. Raises `ModelFailure`, whatever the transport raises."""
    reading = _Reading(on_delta)
    try:
        opening = model_request_stream(
            await model_at(server, model),
            conversation(request),
            model_settings=ModelSettings(timeout=request.timeout_s, request_timeout=request.timeout_s),
            model_request_parameters=_parameters(request),
        )
        async with opening as stream:
            await reading.read(stream)
    except FOREIGN_ERRORS as error:
        raise failure_from(error, server=server, model=model, phase=reading.phase) from error
    return _checked(stream, server, model)


class _Reading:
    """A stream being read, and how far it has come."""

    def __init__(self, on_delta: OnDelta | None) -> None:
        self.phase: FailurePhase = "first_token"
        self.on_delta = on_delta or (lambda _: None)

    async def read(self, stream: StreamedResponse) -> None:
        async for event in stream:
            self.phase = "stream"
            match event:
                case PartStartEvent(part=TextPart(content=text)) if text:
                    self.on_delta(text)
                case PartDeltaEvent(delta=TextPartDelta(content_delta=text)) if text:
                    self.on_delta(text)
                case _:
                    pass  # reasoning, calls and ends are read from the whole reply


def _checked(stream: StreamedResponse, server: Server, model: str) -> ModelReply:
    """The reply, if it is whole, allowed and says something."""

    def refuse(message: str, kind: FailureKind, phase: FailurePhase = "reply") -> ModelFailure:
        return ModelFailure(f"{server.name}: {message}", kind=kind, provider=server.name, model=model, phase=phase)

    response, usage = stream.get(), _usage(stream)
    read = reply_from(response, usage)
    if response.finish_reason == "content_filter" and not read.calls:
        raise refuse("The content filter stopped the reply.", "blocked")
    if not read.calls and not read.text.strip():
        raise refuse("The reply is empty: no text and no tool call.", "bad_reply")
    # A connection that ends without an error can still have ended too soon. The transport fills in a finish reason
    # where none came; the one that came is in the details. Some servers send none, but report the usage last.
    if "finish_reason" not in (response.provider_details or {}) and usage == Usage():
        raise refuse("The stream ended in the middle of the reply.", "network", "stream")
    return read


def _usage(stream: StreamedResponse) -> Usage:
    used = stream.usage
    if not (used.input_tokens or used.output_tokens):
        return Usage()
    if not all(0 <= each <= MAX_TOKENS for each in (used.input_tokens, used.output_tokens)):
        return Usage()  # a number no request can have is no report
    return Usage(input_tokens=used.input_tokens, output_tokens=used.output_tokens)


def _parameters(request: ModelRequest) -> ModelRequestParameters:
    tools = [
        ToolDefinition(name=tool.name, description=tool.description, parameters_json_schema=tool.get_schema())
        for tool in request.tools
    ]
    return ModelRequestParameters(function_tools=tools, allow_text_output=True)
