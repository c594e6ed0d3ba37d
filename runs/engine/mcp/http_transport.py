"""The HTTP client of MCP servers: guarded addresses, bounded bodies, and failures as errors of the one request.

The SDK runs all requests of a connection in one task group: an exception of one would end the others. So the failures
of HTTP become JSON-RPC errors here, with codes of our own that tell whether the request was sent.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any, Final

import httpx2

from runs.agent.errors.exceptions import ToolFailed
from runs.agent.tools.web.guarded_transport import GuardedTransport
from runs.agent.tools.web.host_rules import HostRules
from runs.engine.mcp.message_pace import MessagePace
from runs.engine.mcp.oauth.access_tokens import AccessTokens
from runs.engine.mcp.oauth.bearer_transport import BearerTransport, lacks_scope

MAX_BODY_BYTES: Final = 8 * 1024 * 1024
"""Of a JSON body, which is read as a whole."""
MAX_STREAM_BYTES: Final = 256 * 1024 * 1024
"""Of an event stream; each event has the limit of the SDK, 1 MiB."""
PIECE_BYTES: Final = 16_384
"""Of an event stream that are read at once."""
LINES_OF_AN_EVENT: Final = 2
"""At least: its data, and an empty line."""
NOT_SENT: Final = -32_651
"""The request did not reach the server."""
BROKEN: Final = -32_652
"""The connection broke after the request was sent, or its answer could not be read."""
NOT_SIGNED_IN: Final = -32_653
"""401 or 403: the server wants a sign-in, or another one."""
_NOT_SENT_ERRORS: Final = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, ToolFailed)
END_S: Final = 2.0
"""How long the end of a session, which the client tells with DELETE, waits for its answer."""
TIMEOUTS: Final = httpx2.Timeout(30, connect=10, read=300)


def http_client(rules: HostRules, headers: Mapping[str, str], tokens: AccessTokens | None = None) -> httpx2.AsyncClient:
    """A client for one server; `tokens` sign its requests in. Redirects are those that the SDK follows: within the
    origin."""
    inner: httpx2.AsyncBaseTransport = GuardedTransport(rules, idle_connections=10)
    return httpx2.AsyncClient(
        transport=McpHttpTransport(BearerTransport(inner, tokens) if tokens is not None else inner),
        headers={"User-Agent": "Agentsite", "Accept-Encoding": "identity", **headers},
        timeout=TIMEOUTS,
        trust_env=False,
    )


class McpHttpTransport(httpx2.AsyncBaseTransport):
    """A transport that raises nothing for a request with a JSON-RPC body."""

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner
        self._pace = MessagePace()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        try:
            async with asyncio.timeout(END_S if request.method == "DELETE" else None):
                return await self._answer(request)
        except TimeoutError:
            return _error(502, BROKEN, f"It did not answer the end of the session within {END_S:g} s.")

    async def _answer(self, request: httpx2.Request) -> httpx2.Response:
        try:
            response = await self._inner.handle_async_request(request)
        except _NOT_SENT_ERRORS as error:
            return _error(502, NOT_SENT, _words(error))
        except (httpx2.HTTPError, OSError) as error:
            return _error(502, BROKEN, _words(error))
        encoding = response.headers.get("content-encoding", "identity").lower()
        if encoding != "identity":
            await response.aclose()
            return _error(502, BROKEN, f"The answer is compressed ({encoding[:20]}), which was not asked for.")
        if response.headers.get("content-type", "").lower().startswith("text/event-stream"):
            # Without a charset: events are UTF-8, and the name of another codec would choose what reads them.
            headers = {name: text for name, text in response.headers.items() if name.lower() != "content-type"}
            headers["content-type"] = "text/event-stream"
            return httpx2.Response(response.status_code, headers=headers, stream=_Capped(response, self._pace))
        if response.status_code == 404 and "mcp-session-id" in request.headers:
            # The session is gone. With a JSON-RPC error in its body the SDK would take that for its answer.
            await response.aclose()
            return httpx2.Response(404)
        return await _whole(response, self._pace)

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Capped(httpx2.AsyncByteStream):
    """An event stream of limited length, read at the pace of its server."""

    def __init__(self, response: httpx2.Response, pace: MessagePace) -> None:
        self._response, self._pace = response, pace

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = MAX_STREAM_BYTES
        async for chunk in self._response.aiter_raw():
            left -= len(chunk)
            if left < 0:
                raise httpx2.ReadError(f"The stream has more than {MAX_STREAM_BYTES:,} bytes.")
            for begin in range(0, len(chunk), PIECE_BYTES):
                piece = chunk[begin : begin + PIECE_BYTES]
                lines = max(piece.count(b"\n"), piece.count(b"\r"))
                await self._pace.take(len(piece), lines / LINES_OF_AN_EVENT)
                yield piece

    async def aclose(self) -> None:
        await self._response.aclose()


async def _whole(response: httpx2.Response, pace: MessagePace) -> httpx2.Response:
    """The response with its body, or the error in its place."""
    body = bytearray()
    try:
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                return _error(502, BROKEN, f"The answer has more than {MAX_BODY_BYTES:,} bytes.")
    except (httpx2.HTTPError, OSError) as error:
        return _error(502, BROKEN, _words(error))
    finally:
        with suppress(httpx2.HTTPError, OSError):
            await response.aclose()
    await pace.take(len(body))
    headers = {name: text for name, text in response.headers.items() if name.lower() not in _OF_LENGTH}
    is_refused = response.status_code == 401 or lacks_scope(response)
    if is_refused or (response.status_code >= 400 and not _is_json_rpc_error(body)):
        code = NOT_SIGNED_IN if response.status_code in (401, 403) else _code_of(response.status_code)
        if code is not None:
            told = f"The server answered {response.status_code} {response.reason_phrase}."
            return _error(response.status_code, code, told, headers)
    return httpx2.Response(response.status_code, headers=headers, content=bytes(body))


_OF_LENGTH: Final = ("content-length", "transfer-encoding", "content-encoding")


def _code_of(status: int) -> int | None:
    """The code of an error without a JSON-RPC body; None where the SDK itself reads the status."""
    if status in (429, 503):
        return NOT_SENT
    return BROKEN if status >= 500 else None


def _is_json_rpc_error(body: bytes | bytearray) -> bool:
    with suppress(ValueError, RecursionError):
        parsed: Any = json.loads(body)
        return isinstance(parsed, dict) and isinstance(parsed.get("error"), dict)
    return False


def _error(status: int, code: int, told: str, headers: Mapping[str, str] | None = None) -> httpx2.Response:
    kept = {name: text for name, text in (headers or {}).items() if name.lower() == "www-authenticate"}
    body = {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": told}}
    return httpx2.Response(status, headers=kept, json=body)


def _words(error: Exception) -> str:
    if isinstance(error, ToolFailed):
        return str(error)
    kinds = {
        httpx2.ConnectError: "No connection could be made",
        httpx2.ConnectTimeout: "No connection could be made in time",
        httpx2.ReadTimeout: "It gave no answer in time",
        httpx2.RemoteProtocolError: "The connection was closed without an answer",
    }
    told = next((words for kind, words in kinds.items() if isinstance(error, kind)), type(error).__name__)
    detail = str(error)[:200]
    return f"{told}: {detail}." if detail else f"{told}."
