"""The dispatcher of the SDK with a limit on what a server asks: it runs a task for each request, however many."""

from collections.abc import Callable
from typing import Any, Final

from mcp.client._transport import TransportStreams
from mcp.shared.jsonrpc_dispatcher import JSONRPCDispatcher

MOST_REQUESTS: Final = 16
"""Requests of the server to which no response has been sent: those that wait for a person, and those whose response it
does not read."""


class BoundedDispatcher(JSONRPCDispatcher[Any]):
    """Ends the connection of a server that has more than `MOST_REQUESTS` open requests."""

    def __init__(self, streams: TransportStreams, on_overload: Callable[[str], None]) -> None:
        super().__init__(*streams)
        self._from_server = streams[0]
        self._on_overload = on_overload
        self._requests = 0

    async def _dispatch_request(self, *args: Any) -> None:
        if self._requests >= MOST_REQUESTS:
            self._on_overload(f"It had more than {MOST_REQUESTS} open requests to this site.")
            await self._from_server.aclose()  # its reader takes this as the end of the stream
            return
        self._requests += 1
        await super()._dispatch_request(*args)

    async def _handle_request(self, *args: Any) -> None:
        try:
            await super()._handle_request(*args)
        finally:
            self._requests -= 1
