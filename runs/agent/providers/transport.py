"""One reply from any provider. pydantic-ai is the transport: it knows the formats and their many dialects.

Slow to import; `served.py` does it when the first reply is asked for.
"""

import json
from decimal import Decimal
from typing import cast

from pydantic_ai.direct import model_request_stream
from pydantic_ai.messages import (
    ModelResponseStreamEvent,
    PartDeltaEvent,
    PartStartEvent,
    TextPart,
    TextPartDelta,
    ThinkingPart,
    ThinkingPartDelta,
    ToolCallPart,
    ToolCallPartDelta,
)
from pydantic_ai.models import ModelRequestParameters, StreamedResponse
from pydantic_ai.output import OutputObjectDefinition
from pydantic_ai.profiles import ModelProfile
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition

from runs.agent.errors import FailureKind, FailurePhase, ModelFailure
from runs.agent.messages import Delta, ModelReply, ModelRequest, OnDelta, Usage
from runs.agent.providers.clients import nothing_stays_open, transport_of
from runs.agent.providers.conversation import conversation, reply_from
from runs.agent.providers.failures import FOREIGN_ERRORS, failure_from
from runs.agent.providers.served import ServedModel

MAX_TOKENS = 10**9
"""More than any request reads or writes. What a server reports beyond it is not stored and not counted."""

MAX_REPLY_CHARS = 32 * 1024 * 1024
"""A reply that is longer comes from a server that has lost its way, and would fill the memory."""


async def reply(served: ServedModel, request: ModelRequest, on_delta: OnDelta | None) -> ModelReply:
    """Ask and read to the end. Raises `ModelFailure`, whatever the transport raises."""
    reading = _Reading(served, on_delta)
    try:
        model = await transport_of(served)
        async with nothing_stays_open():
            opening = model_request_stream(
                model,
                conversation(request, served.name),
                model_settings=_settings(served, model.profile, request),
                model_request_parameters=_parameters(served, model.profile, request),
            )
            async with opening as stream:
                await reading.read(stream)
    except (*FOREIGN_ERRORS, *served.sdk_errors()) as error:
        raise failure_from(error, server=served.server, model=served.model, phase=reading.phase) from error
    return _checked(stream, served)


class _Reading:
    """A stream being read, and how far it has come."""

    def __init__(self, served: ServedModel, on_delta: OnDelta | None) -> None:
        self.phase: FailurePhase = "first_token"
        self.served = served
        self.on_delta = on_delta or (lambda _: None)
        self.chars = 0

    async def read(self, stream: StreamedResponse) -> None:
        async for event in stream:
            self.phase = "stream"
            if (delta := _delta(event)) is None:
                continue
            self.chars += len(delta.text)
            if self.chars > MAX_REPLY_CHARS:
                raise _refusal(self.served, f"The reply is longer than {MAX_REPLY_CHARS} characters.", "bad_reply")
            self.on_delta(delta)


def _delta(event: ModelResponseStreamEvent) -> Delta | None:
    """The piece of the reply in an event; None if it holds none."""
    match event:
        case PartStartEvent(part=TextPart(content=text)) | PartDeltaEvent(delta=TextPartDelta(content_delta=text)):
            return Delta(text) if text else None
        case PartStartEvent(part=ThinkingPart(content=text)):
            return Delta(text, "reasoning")
        case PartDeltaEvent(delta=ThinkingPartDelta(content_delta=content)):
            return Delta(content or "", "reasoning")  # a signature is a sign of life
        case PartStartEvent(part=ToolCallPart(args=arguments)):
            return Delta(_arguments_text(arguments), "call")
        case PartDeltaEvent(delta=ToolCallPartDelta(args_delta=arguments)):
            return Delta(_arguments_text(arguments), "call")
        case _:
            return None  # ends are read from the whole reply


def _arguments_text(arguments: object) -> str:
    if isinstance(arguments, str):
        return arguments
    return json.dumps(arguments, ensure_ascii=False) if arguments else ""


def _refusal(served: ServedModel, message: str, kind: FailureKind, phase: FailurePhase = "reply") -> ModelFailure:
    message = f"{served.name}: {message}"
    return ModelFailure(message, kind=kind, provider=served.name, model=served.model, phase=phase)


def _checked(stream: StreamedResponse, served: ServedModel) -> ModelReply:
    """The reply, if it is whole, allowed and says something."""
    response, usage = stream.get(), _usage(stream)
    read = reply_from(response, usage, served.name)
    if response.finish_reason == "content_filter" and not read.calls:
        raise _refusal(served, "The content filter stopped the reply.", "blocked")
    # A connection that ends without an error can still have ended too soon. The transport fills in a finish reason
    # where none came; the one that came is in the details. Servers that send none still report the usage last.
    ended = "finish_reason" in (response.provider_details or {})
    ended = ended or (usage != Usage() and not served.always_says_why_it_ended)
    if not ended and (read.text or read.reasoning or read.calls or usage != Usage()):
        raise _refusal(served, "The stream ended in the middle of the reply.", "network", "stream")
    if not read.calls and not read.text.strip():
        raise _refusal(served, "The reply is empty: no text and no tool call.", "bad_reply")
    return read


def _usage(stream: StreamedResponse) -> Usage:
    used = stream.usage
    if not (used.input_tokens or used.output_tokens):
        return Usage()
    if not all(0 <= each <= MAX_TOKENS for each in (used.input_tokens, used.output_tokens)):
        return Usage()  # a number no request can have is no report
    return Usage(
        input_tokens=used.input_tokens,
        output_tokens=used.output_tokens,
        cache_read_tokens=used.cache_read_tokens or None,
        cache_write_tokens=used.cache_write_tokens or None,
        reasoning_tokens=_reasoning_tokens(used.details),
        cost_usd=None if used.cost is None else Decimal(str(used.cost)),
    )


def _reasoning_tokens(details: dict[str, int]) -> int | None:
    """What the provider calls them: OpenAI reasoning, Google thoughts, Anthropic thinking."""
    names = ("reasoning_tokens", "thoughts_tokens", "thinking_tokens")
    return next((details[name] for name in names if details.get(name)), None)


def _settings(served: ServedModel, profile: ModelProfile, request: ModelRequest) -> ModelSettings:
    timeout_s = max(request.timeout_s, 0.001)  # google-genai counts in milliseconds, and 0 would be no limit
    general = {"timeout": timeout_s, "request_timeout": timeout_s}
    return cast(ModelSettings, general | served.settings(profile, request))


def _parameters(served: ServedModel, profile: ModelProfile, request: ModelRequest) -> ModelRequestParameters:
    tools = [
        ToolDefinition(name=tool.name, description=tool.description, parameters_json_schema=tool.get_schema())
        for tool in request.tools
    ]
    if request.output_schema is None:
        return ModelRequestParameters(function_tools=tools, allow_text_output=True)
    schema = dict(request.output_schema)
    # Every provider's own mode takes objects only. What it does not take is asked for in words, and checked by the run.
    is_native = schema.get("type") == "object" and served.has_native_output(profile, request)
    return ModelRequestParameters(
        function_tools=tools,
        output_mode="native" if is_native else "prompted",
        output_object=OutputObjectDefinition(json_schema=schema, name="answer"),
        allow_text_output=True,
    )
