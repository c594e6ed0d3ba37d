"""The HTTP client of all providers: limits, normalises and observes responses before an SDK reads them."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import aclosing, suppress
from types import AsyncGeneratorType
from typing import Any

import httpx2

from runs.agent.messages import Delta
from runs.agent.providers.event_streams.exchange import BodyIsError, EventFrame, HttpExchange, Unreadable, current
from runs.agent.providers.event_streams.fair_share import Share
from runs.agent.providers.event_streams.server_sent_events import EventDecoder, EventTooLarge, ServerSentEvent, encoded

MAX_ERROR_BYTES = 64 * 1024
MAX_BODY_BYTES = 48 * 1024 * 1024
"""Size limit of a reply in one piece: 1.5 times the longest reply that is stored."""
MAX_STREAM_BYTES = 256 * 1024 * 1024
"""Size limit of a stream, overhead included."""
MAX_BLANK_BYTES = 4096
DRAIN_S = 0.2
"""How long the end of the response is awaited after the last event."""

_NOT_PASSED_ON = {"content-encoding", "content-length", "transfer-encoding", "content-type"}


class EventStreamClient(httpx2.AsyncClient):
    """A client that sends one request per `HttpExchange`. Without an exchange it is an ordinary client."""

    async def send(self, request: httpx2.Request, *, stream: bool = False, **options: Any) -> httpx2.Response:
        """The response with a normalised body. Raises `httpx2.RemoteProtocolError`; `HttpExchange.failure` has the
        cause."""
        exchange = current.get()
        if exchange is None:
            return await super().send(request, stream=stream, **options)
        if exchange.is_sent:
            raise httpx2.RemoteProtocolError("A second request for one reply is not made.", request=request)
        exchange.is_sent = True
        response = await super().send(_changed(request, exchange), stream=True, **options)
        if not response.is_success:
            body = await _read(response, MAX_ERROR_BYTES)
            await response.aclose()
            exchange.failure = exchange.failure_of(body, response.status_code, dict(response.headers))
            raise httpx2.RemoteProtocolError(f"HTTP {response.status_code}", request=request)
        kept = [(name, value) for name, value in response.headers.multi_items() if name.lower() not in _NOT_PASSED_ON]
        return httpx2.Response(
            response.status_code,
            headers=[*kept, ("content-type", "text/event-stream")],
            stream=_Normalized(response, exchange),
            request=request,
        )


def _changed(request: httpx2.Request, exchange: HttpExchange) -> httpx2.Request:
    """The request with the exchange's changes to its JSON body."""
    made: Any = json.loads(request.content)
    body = exchange.change_request(made)
    if body is made:
        return request
    lengths = ("content-length", "transfer-encoding")
    headers = [(name, value) for name, value in request.headers.multi_items() if name.lower() not in lengths]
    content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
    return httpx2.Request(request.method, request.url, headers=headers, content=content, extensions=request.extensions)


class _Normalized(httpx2.AsyncByteStream):
    """The body of a successful response, as the SDK of its format expects it."""

    def __init__(self, response: httpx2.Response, exchange: HttpExchange) -> None:
        self._response = response
        self._exchange = exchange
        self._reading: AsyncGenerator[bytes, None] | None = None

    def __aiter__(self) -> AsyncIterator[bytes]:
        self._reading = self._read()
        return self._reading

    async def _read(self) -> AsyncGenerator[bytes, None]:
        exchange, share = self._exchange, Share()
        try:
            async with aclosing(_events_or_body(self._response)) as items:
                async for item in items:
                    share.begin()
                    frames = list(_frames(item, exchange))
                    _tell(exchange)
                    for name, data in frames:
                        yield encoded(name, data)
                    if exchange.format.facts.is_over:
                        await _drain(items)
                        break
                    await share.end()
            for name, data in exchange.format.end():
                yield encoded(name, data)
        except BodyIsError as error:
            exchange.failure = exchange.failure_of(error.body, 200, dict(self._response.headers))
        except (Unreadable, EventTooLarge) as error:
            exchange.failure = exchange.unreadable(str(error))
        finally:
            share.close()
        if exchange.failure is not None and exchange.failure.usage is None:
            exchange.failure.usage = exchange.format.facts.usage

    async def aclose(self) -> None:
        # An SDK may abandon the iteration. The garbage collector would close the generator in any thread.
        if isinstance(self._reading, AsyncGeneratorType) and not self._reading.ag_running:
            await self._reading.aclose()
        await self._response.aclose()


async def _drain(items: AsyncIterator[ServerSentEvent | bytes]) -> None:
    """Read the rest of the response for at most `DRAIN_S`, so that the connection can be reused."""
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_S):
            async for _ in items:
                pass


def _tell(exchange: HttpExchange) -> None:
    """Report a sign of life, and the pieces that the SDK only gets at the end of the reply."""
    facts = exchange.format.facts
    exchange.hear(Delta("", "alive", facts.usage.output_tokens))
    held_back, facts.held_back = facts.held_back, []
    if held_back:
        exchange.hear(Delta("".join(held_back), "call"))


def _frames(item: ServerSentEvent | bytes, exchange: HttpExchange) -> Iterable[EventFrame]:
    if isinstance(item, bytes):
        return exchange.format.whole(_json_body(item))
    if item.data is None:
        return ()
    if item.data.startswith("[DONE]"):
        exchange.format.facts.is_ended = exchange.format.facts.is_over = True
        return ()  # written by `end`, after the pieces that were held back
    try:
        data = json.loads(item.data)
    except (ValueError, RecursionError):
        if item.name == "error":
            raise BodyIsError(item.data) from None
        raise Unreadable(item.data) from None
    if item.name == "error":
        raise BodyIsError(data)
    if data == {}:
        return ()
    return exchange.format.event(item.name, data)


def _json_body(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise BodyIsError(body) from None


async def _events_or_body(response: httpx2.Response) -> AsyncGenerator[ServerSentEvent | bytes, None]:
    """The events of the response; its whole body if it begins with `{`, `[` or `<`, which an event stream never
    does."""
    async with aclosing(response.aiter_bytes()) as chunks:
        decoder, beginning = EventDecoder(), b""
        async for chunk in chunks:
            beginning += chunk
            if beginning.strip() or len(beginning) > MAX_BLANK_BYTES:
                break
            yield ServerSentEvent()  # blank lines are keep-alives too
        if beginning.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[", b"<"):
            yield await _rest(chunks, beginning)
            return
        for event in decoder.feed(beginning):
            yield event
        size = len(beginning)
        async for chunk in chunks:
            size += len(chunk)
            if size > MAX_STREAM_BYTES:
                raise EventTooLarge(f"The stream is larger than {MAX_STREAM_BYTES:,} bytes.")
            for event in decoder.feed(chunk):
                yield event
        for event in decoder.end():
            yield event


async def _rest(chunks: AsyncIterator[bytes], beginning: bytes) -> bytes:
    parts, size = [beginning], len(beginning)
    async for chunk in chunks:
        parts.append(chunk)
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise EventTooLarge(f"The reply is larger than {MAX_BODY_BYTES:,} bytes.")
    return b"".join(parts)


async def _read(response: httpx2.Response, most: int) -> bytes:
    """The body, or its first `most` bytes."""
    body = b""
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) >= most:
            break
    return body[:most]
