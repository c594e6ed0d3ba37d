"""One reply from any provider. pydantic-ai is the transport: it encodes the conversation in each wire format.

The facts of a reply (finish reason, usage, errors) are read from the bytes by `event_streams`, in the same way for all
formats. Slow to import: `remote_model` loads this module at the first request.
"""

import json

from pydantic_ai.direct import model_request_stream
from pydantic_ai.exceptions import UnexpectedModelBehavior
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
from pydantic_ai.models import StreamedResponse

from runs.agent.errors import model_sentences as sentences
from runs.agent.errors.model_exceptions import FailurePhase
from runs.agent.messages import Delta, ModelReply, ModelRequest, OnDelta
from runs.agent.providers.client_pool import nothing_stays_open, transport_of
from runs.agent.providers.error_mapping.model_failures import FOREIGN_ERRORS, failure_from, failure_from_body
from runs.agent.providers.event_streams.exchange import HttpExchange, ReplyFacts, current
from runs.agent.providers.message_mapping import conversation
from runs.agent.providers.reply_mapping import ReplyReader, bad_reply
from runs.agent.providers.request_options import longest_output, parameters, settings
from runs.agent.providers.thinking_tags import ThoughtSplitter
from runs.agent.providers.wire_format import WireFormat

MAX_REPLY_CHARS = 32 * 1024 * 1024
"""Length limit of a reply. A longer one comes from a broken server, and would fill the memory."""


async def reply(wire_format: WireFormat, request: ModelRequest, on_delta: OnDelta | None) -> ModelReply:
    """Send one request and read the reply to its end. Raises `ModelFailure`, and what `on_delta` raises."""
    reading, sent = _StreamReader(wire_format, on_delta or (lambda _: None)), wire_format.adaptations
    exchange = HttpExchange(
        format=wire_format.stream_format([tool.name for tool in request.tools]),
        failure_of=lambda body, status, headers: failure_from_body(
            body,
            status=status,
            server=wire_format.server,
            model=wire_format.model,
            phase=reading.phase,
            headers=headers,
        ),
        change_request=lambda body: wire_format.changed_body(body, request),
        unreadable=lambda words: bad_reply(wire_format, words, phase=reading.phase),
        hear=reading.hear,
    )
    reading.facts = exchange.format.facts
    reader = ReplyReader(wire_format, exchange.format.facts, longest=longest_output(wire_format, request))
    token = current.set(exchange)
    try:
        model = await transport_of(wire_format)
        async with nothing_stays_open():
            opening = model_request_stream(
                model,
                conversation(request, wire_format, sees=wire_format.capabilities.vision),
                model_settings=settings(wire_format, model.profile, request),
                model_request_parameters=parameters(wire_format, model.profile, request),
            )
            async with opening as stream:
                await reading.read(stream)
    except (*FOREIGN_ERRORS, *wire_format.sdk_errors()) as error:
        raise _why(error, exchange, reading, reader, sent) from error
    finally:
        current.reset(token)
    if exchange.failure is not None:
        raise wire_format.adapted(exchange.failure, sent)
    try:
        return reader.read(stream.get())
    except FOREIGN_ERRORS as error:
        raise failure_from(error, server=wire_format.server, model=wire_format.model, phase="reply") from error


def _why(
    error: Exception, exchange: HttpExchange, reading: "_StreamReader", reader: ReplyReader, sent: frozenset[str]
) -> Exception:
    """The cause of a failed request: our own stop, else the failure in the bytes, else the transport's error."""
    if reading.stopped_by is not None:
        return reading.stopped_by
    if exchange.failure is not None:
        return reading.wire_format.adapted(exchange.failure, sent)
    if isinstance(error, UnexpectedModelBehavior) and exchange.format.facts.has_begun:
        # All bytes were read, and the transport found no content in them.
        return reader.empty()
    wire_format = reading.wire_format
    return failure_from(error, server=wire_format.server, model=wire_format.model, phase=reading.phase)


class _StreamReader:
    """The reading of one stream, with its phase and length."""

    def __init__(self, wire_format: WireFormat, on_delta: OnDelta) -> None:
        self.phase: FailurePhase = "first_token"
        self.wire_format = wire_format
        self.on_delta = on_delta
        self.chars = 0
        self.facts = ReplyFacts()
        self.stopped_by: Exception | None = None
        """The exception of `on_delta`, kept because the SDK may replace it."""
        self._thoughts = ThoughtSplitter() if wire_format.leaves_thoughts_in_text else None

    async def read(self, stream: StreamedResponse) -> None:
        """Read to the end, and pass on each piece."""
        async for event in stream:
            for delta in self._deltas(event):
                self.hear(delta)
        for delta in self._thoughts.end() if self._thoughts else ():
            self.hear(delta)

    def hear(self, delta: Delta) -> None:
        """Pass on a piece. Raises what `on_delta` raises, and `ModelFailure` for a reply over `MAX_REPLY_CHARS`."""
        if delta.kind != "alive":
            self.phase = "stream"
            self.chars += len(delta.text)
            if self.chars > MAX_REPLY_CHARS:
                words = sentences.REPLY_TOO_LONG.made(most=str(MAX_REPLY_CHARS))
                self.stopped_by = bad_reply(self.wire_format, words, usage=self.facts.usage)
                raise self.stopped_by
        try:
            self.on_delta(delta)
        except Exception as stopped:
            self.stopped_by = stopped
            raise

    def _deltas(self, event: ModelResponseStreamEvent) -> list[Delta]:
        """The pieces of the reply in an event."""
        match event:
            case PartStartEvent(part=TextPart(content=text)) | PartDeltaEvent(delta=TextPartDelta(content_delta=text)):
                return self._text(text) if text else []
            case PartStartEvent(part=ThinkingPart(content=text)):
                return [Delta(text, "reasoning")]
            case PartDeltaEvent(delta=ThinkingPartDelta(content_delta=content)):
                return [Delta(content or "", "reasoning")]  # a signature becomes an empty delta, as a sign of life
            case PartStartEvent(part=ToolCallPart(args=arguments)):
                return self._call(arguments)
            case PartDeltaEvent(delta=ToolCallPartDelta(args_delta=arguments)):
                return self._call(arguments)
            case _:
                return []  # end events are not needed: the whole response is read

    def _text(self, text: str) -> list[Delta]:
        return self._thoughts.feed(text) if self._thoughts else [Delta(text)]

    def _call(self, arguments: object) -> list[Delta]:
        return [] if self.facts.holds_calls_back else [Delta(_arguments_text(arguments), "call")]


def _arguments_text(arguments: object) -> str:
    if isinstance(arguments, str):
        return arguments
    return json.dumps(arguments, ensure_ascii=False) if arguments else ""
