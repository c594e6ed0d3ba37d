"""`POST /mcp`: MCP over streamable HTTP. Each request stands alone: there are no sessions to keep or to leak."""

import asyncio
from collections.abc import AsyncIterator, Mapping, MutableMapping
from contextlib import suppress
from importlib import import_module
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.cache import patch_cache_control
from django.views.decorators.csrf import csrf_exempt

from runs.api.auth import Caller, caller_with_token
from runs.api.errors import ApiError, error_for, not_allowed, unexpected
from runs.api.long_responses import LongResponses, let_go_of_connection

OPEN_REQUESTS = LongResponses("MCP requests", lambda: settings.AGENTSITE_MAX_STREAMS_PER_USER)
STREAMS_AFTER_S = 0.5
"""A response that takes longer begins as an event stream, so that it holds no slot of the pages while it waits."""
_WAITS = b": the call is running\r\n\r\n"


@csrf_exempt
async def serve_mcp(request: HttpRequest) -> HttpResponseBase:
    """One message of an MCP client, with an API token."""
    response = await _answered(request)
    patch_cache_control(response, private=True, no_store=True, no_transform=True)
    return response


async def _answered(request: HttpRequest) -> HttpResponseBase:
    try:
        caller = await sync_to_async(_admitted)(request)
        place = OPEN_REQUESTS.let_in(caller.user.pk)
    except Exception as error:
        known = error_for(error)
        if known.status == 500:
            raise
        return known.response()
    try:
        return await McpExchange(request, place).response()
    except BaseException:
        OPEN_REQUESTS.give_back(place)
        raise


def _admitted(request: HttpRequest) -> Caller:
    if request.method != "POST":
        raise not_allowed(request.method, "POST")
    _check_origin(request)
    caller = caller_with_token(request)
    let_go_of_connection()
    _ = request.body  # Raises if it is too large.
    # With the first request, in this thread: a site without MCP clients does not pay for it, and no page waits for it.
    import_module("mcp.server.streamable_http_manager")
    import_module("runs.api.mcp.server")
    return caller


def _check_origin(request: HttpRequest) -> None:
    origin = request.headers.get("Origin")
    own = f"{request.scheme}://{request.get_host()}"
    if origin is not None and origin.lower() not in (own.lower(), *settings.AGENTSITE_CORS_ORIGINS):
        raise ApiError(403, "wrong_origin", "Pages of other sites may not use MCP here.")


class McpExchange:
    """One request to the MCP server and its response. A client that closes the stream ends the waiting, not the run."""

    def __init__(self, request: HttpRequest, place: object) -> None:
        """`place` is its entry in `OPEN_REQUESTS`, given back when the response has been sent."""
        self._request = request
        self._place = place
        self._events: asyncio.Queue[Mapping[str, Any] | None] = asyncio.Queue(4)
        self._is_read = False

    async def response(self) -> HttpResponseBase:
        """The response: JSON, or an event stream if it takes longer or has progress."""
        serving = asyncio.ensure_future(self._serve())
        try:
            try:
                async with asyncio.timeout(STREAMS_AFTER_S):
                    start = await self._events.get()
            except TimeoutError:
                return self._stream(serving, None)
            if start is None:
                await serving  # Raises what it failed with.
                return unexpected().response()
            if _is_stream(start):
                return self._stream(serving, start)
            response = await self._whole(start)
            await serving
        except BaseException:
            serving.cancel()
            raise
        OPEN_REQUESTS.give_back(self._place)
        return response

    async def _whole(self, start: Mapping[str, Any]) -> HttpResponse:
        headers = {name.decode("latin-1").lower(): text.decode("latin-1") for name, text in start["headers"]}
        body = b"".join([piece async for piece in self._body()])
        return HttpResponse(body, status=start["status"], content_type=headers.get("content-type"))

    def _stream(self, serving: "asyncio.Future[None]", start: Mapping[str, Any] | None) -> StreamingHttpResponse:
        headers = {"X-Accel-Buffering": "no"}
        pieces = self._pieces(serving, start)
        return StreamingHttpResponse(pieces, content_type="text/event-stream", headers=headers)

    async def _pieces(self, serving: "asyncio.Future[None]", start: Mapping[str, Any] | None) -> AsyncIterator[bytes]:
        with OPEN_REQUESTS.taking(self._place):
            try:
                # At once: the headers are sent with the first piece, and the call may be silent for long.
                yield _WAITS
                if start is None:
                    start = await self._events.get()
                if start is not None and not _is_stream(start):
                    body = b"".join([piece async for piece in self._body()])
                    yield b"event: message\r\ndata: " + body + b"\r\n\r\n"
                elif start is not None:
                    async for piece in self._body():
                        yield piece
            finally:
                serving.cancel()
                with suppress(asyncio.CancelledError):
                    await serving

    async def _body(self) -> AsyncIterator[bytes]:
        while (event := await self._events.get()) is not None:
            if piece := event.get("body"):
                yield piece
            if not event.get("more_body"):
                return

    async def _serve(self) -> None:
        # Loaded by then: see `_admitted`.
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

        from runs.api.mcp.local_api import LocalApi
        from runs.api.mcp.server import server_of

        token = self._request.headers["Authorization"].partition(" ")[2].strip()
        server = server_of(LocalApi(token, str(self._request.META.get("REMOTE_ADDR", ""))))
        manager = StreamableHTTPSessionManager(server, stateless=True)
        try:
            async with manager.run():
                await manager.handle_request(self._scope(), self._receive, self._events.put)
        finally:
            with suppress(asyncio.QueueFull):
                self._events.put_nowait(None)

    def _scope(self) -> MutableMapping[str, Any]:
        kept = ("Authorization", "Cookie")
        headers = [
            (name.lower().encode("latin-1"), text.encode("latin-1"))
            for name, text in self._request.headers.items()
            if name not in kept
        ]
        return {
            "type": "http",
            "method": "POST",
            "path": "/mcp",
            "raw_path": b"/mcp",
            "query_string": b"",
            "headers": headers,
            "scheme": self._request.scheme,
            "http_version": "1.1",
        }

    async def _receive(self) -> MutableMapping[str, Any]:
        if not self._is_read:
            self._is_read = True
            return {"type": "http.request", "body": self._request.body, "more_body": False}
        # A client that goes away cancels the task that serves it.
        await asyncio.Event().wait()
        raise AssertionError


def _is_stream(start: Mapping[str, Any]) -> bool:
    return any(
        name.lower() == b"content-type" and text.startswith(b"text/event-stream") for name, text in start["headers"]
    )
