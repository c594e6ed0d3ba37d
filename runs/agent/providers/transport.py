"""One reply from any provider. pydantic-ai is the transport: it knows the formats and how a past is told in each.

What the reply says of itself (why it ended, what it used, whether it is an error at all) is read from the bytes by
`event_streams`, the same way for all formats. Slow to import; `served.py` does it when the first reply is asked for.
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

from runs.agent.errors import FailurePhase
from runs.agent.messages import Delta, ModelReply, ModelRequest, OnDelta
from runs.agent.providers.clients import nothing_stays_open, transport_of
from runs.agent.providers.conversation import conversation
from runs.agent.providers.event_streams.exchange import Exchange, ReplyFacts, current
from runs.agent.providers.failures import FOREIGN_ERRORS, failure_from, failure_from_body
from runs.agent.providers.replies import ReplyReader, bad_reply
from runs.agent.providers.request_options import longest_output, parameters, settings
from runs.agent.providers.served import ServedModel
from runs.agent.providers.thinking_tags import ThoughtSplitter

MAX_REPLY_CHARS = 32 * 1024 * 1024
"""A reply that is longer comes from a server that has lost its way, and would fill the memory."""


async def reply(served: ServedModel, request: ModelRequest, on_delta: OnDelta | None) -> ModelReply:
    """Ask once and read to the end. Raises `ModelFailure`, and what `on_delta` raises; nothing of the transport's."""
    reading, sent = _Reading(served, on_delta or (lambda _: None)), served.adaptations
    exchange = Exchange(
        format=served.stream_format([tool.name for tool in request.tools]),
        failure_of=lambda body, status, headers: failure_from_body(
            body, status=status, server=served.server, model=served.model, phase=reading.phase, headers=headers
        ),
        change_request=lambda body: served.changed_body(body, request),
        unreadable=lambda words: bad_reply(served, words, phase=reading.phase),
        hear=reading.hear,
    )
    reading.facts = exchange.format.facts
    reader = ReplyReader(served, exchange.format.facts, longest=longest_output(served, request))
    token = current.set(exchange)
    try:
        model = await transport_of(served)
        async with nothing_stays_open():
            opening = model_request_stream(
                model,
                conversation(request, served),
                model_settings=settings(served, model.profile, request),
                model_request_parameters=parameters(served, model.profile, request),
            )
            async with opening as stream:
                await reading.read(stream)
    except (*FOREIGN_ERRORS, *served.sdk_errors()) as error:
        raise _why(error, exchange, reading, reader, sent) from error
    finally:
        current.reset(token)
    if exchange.failure is not None:
        raise served.adapted(exchange.failure, sent)
    try:
        return reader.read(stream.get())
    except FOREIGN_ERRORS as error:
        raise failure_from(error, server=served.server, model=served.model, phase="reply") from error


def _why(
    error: Exception, exchange: Exchange, reading: "_Reading", reader: ReplyReader, sent: frozenset[str]
) -> Exception:
    """What ended the request: what we stopped it for, what the bytes said, or what the transport made of them."""
    if reading.stopped_by is not None:
        return reading.stopped_by
    if exchange.failure is not None:
        return reading.served.adapted(exchange.failure, sent)
    if isinstance(error, UnexpectedModelBehavior) and exchange.format.facts.has_begun:
        # Every byte was read, and the transport found nothing in it.
        return reader.empty()
    served = reading.served
    return failure_from(error, server=served.server, model=served.model, phase=reading.phase)


class _Reading:
    """A stream being read, and how far it has come."""

    def __init__(self, served: ServedModel, on_delta: OnDelta) -> None:
        self.phase: FailurePhase = "first_token"
        self.served = served
        self.on_delta = on_delta
        self.chars = 0
        self.facts = ReplyFacts()
        self.stopped_by: Exception | None = None
        """What `on_delta` raised: it comes back through the SDK, which may make something else of it."""
        self._thoughts = ThoughtSplitter() if served.leaves_thoughts_in_text else None

    async def read(self, stream: StreamedResponse) -> None:
        """Read to the end, passing on each piece as it comes."""
        async for event in stream:
            for delta in self._deltas(event):
                self.hear(delta)
        for delta in self._thoughts.end() if self._thoughts else ():
            self.hear(delta)

    def hear(self, delta: Delta) -> None:
        """Pass on a piece. Raises what `on_delta` raises, and `ModelFailure` for a reply that does not end."""
        if delta.kind != "alive":
            self.phase = "stream"
            self.chars += len(delta.text)
            if self.chars > MAX_REPLY_CHARS:
                words = f"The reply is longer than {MAX_REPLY_CHARS} characters."
                self.stopped_by = bad_reply(self.served, words, usage=self.facts.usage)
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
                return [Delta(content or "", "reasoning")]  # a signature is a sign of life
            case PartStartEvent(part=ToolCallPart(args=arguments)):
                return self._call(arguments)
            case PartDeltaEvent(delta=ToolCallPartDelta(args_delta=arguments)):
                return self._call(arguments)
            case _:
                return []  # ends are read from the whole reply

    def _text(self, text: str) -> list[Delta]:
        return self._thoughts.feed(text) if self._thoughts else [Delta(text)]

    def _call(self, arguments: object) -> list[Delta]:
        return [] if self.facts.holds_calls_back else [Delta(_arguments_text(arguments), "call")]


def _arguments_text(arguments: object) -> str:
    if isinstance(arguments, str):
        return arguments
    return json.dumps(arguments, ensure_ascii=False) if arguments else ""
