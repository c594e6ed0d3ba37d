"""The server process: Daphne for pages and sockets, with a run host on its event loop."""

import asyncio
import gc
import logging
import socket
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

from daphne.server import Server, twisted_loop
from django.core.management.base import CommandError
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from runs.asgi_types import Message, Scope
from runs.management.http_server.connection_limits import connections_of, hear_of_accept_trouble, raise_file_limit
from runs.management.http_server.frame_limits import LARGEST_SENT
from runs.management.http_server.http_channel import guard
from runs.management.http_server.slow_readers import SlowReaders
from runs.management.http_server.transports import CountedTransport, open_transports
from runs.management.malloc_tuning import keep_memory_compact

DRAIN_LIMIT_S: Final = 8.5
"""For viewers to be closed and runs to reach a safe point; the host has a shorter limit of its own. Supervisors usually
kill after ten seconds."""
LAST_CALL_S: Final = 1.0
"""For requests still being answered after the drain."""
logger = logging.getLogger(__name__)


class CannotServe(CommandError):
    """The server cannot start. One line; exit code 2."""

    def __init__(self, message: str) -> None:
        super().__init__(message, returncode=2)


class HostLifecycle(Protocol):
    """The interface of a run host for the server."""

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Host runs on `loop`, which does not run yet."""

    async def drain(self) -> None:
        """Bring every run to a safe point and release it."""


class SiteServer(Server):  # type: ignore[misc]  # daphne is not typed
    """Serves until SIGTERM or Ctrl-C, then closes the viewers, drains the host and ends.

    `exit_code` is 0 after a drain in time, 1 after a late one, 2 if the port was taken at the last moment.
    """

    def __init__(
        self,
        application: Any,
        *,
        bind: tuple[str, int],
        run_host: HostLifecycle,
        close_viewers: Callable[[], Awaitable[None]],
        announce: Callable[[int], None],
        unread_limit_s: float,
        body_limit_s: float,
    ) -> None:
        """`unread_limit_s`: how long a connection may leave sent data unread. `body_limit_s`: how long the body of a
        request may take to arrive."""
        address, port = bind
        escaped = address.replace(":", r"\:")
        super().__init__(
            application,
            endpoints=[f"tcp:port={port}:interface={escaped}"],
            ready_callable=self._open,
            # No header names the server software.
            server_name="",
            websocket_max_message_size=LARGEST_SENT,
            websocket_max_frame_size=LARGEST_SENT,
        )
        self.exit_code = 0
        self._run_host = run_host
        self._close_viewers = close_viewers
        self._announce = announce
        self._ports: list[Any] = []
        self._closing: asyncio.Task[None] | None = None
        self._slow_readers = SlowReaders(open_transports, unread_limit_s)
        self._body_limit_s = body_limit_s
        self._watching: asyncio.Task[None] | None = None

    def listen_success(self, port: Any) -> None:
        """Remember the port, to close it first at the end."""
        super().listen_success(port)
        port.transport = CountedTransport
        self._ports.append(port)

    def listen_error(self, failure: Any) -> None:
        """Another process has taken the port."""
        logger.critical("Cannot listen: %s", failure.getErrorMessage())
        self.exit_code = 2
        self.stop()

    def create_application(self, protocol: Any, scope: Scope) -> Any:
        """Start the application; its scope holds the connection as `write_buffer`: `live/sockets/write_buffer.py`."""
        return super().create_application(protocol, scope | {"write_buffer": _transport_of(protocol)})

    async def handle_reply(self, protocol: Any, message: Message) -> None:
        """Send a part of a response. A body part waits until the client has read enough of the earlier ones.

        WebSockets do not wait here, where one slow reader would block the others: they check their buffer and skip
        frames.
        """
        transport = _transport_of(protocol)
        if transport is not None and message["type"] == "http.response.body":
            await transport.wait_for_room()
        await super().handle_reply(protocol, message)
        if transport is not None and message["type"].startswith("http."):
            note_promise(transport, message)

    def kill_all_applications(self) -> "Deferred[None]":
        """Called by Daphne when the reactor is about to stop, which waits for the returned Deferred.

        Daphne's own method would cancel the viewers in the middle of a frame, and fails with a `KeyError` when a
        connection has no application. On Python 3.11.7, ending with open sockets crashed the interpreter.
        """
        # Kept in an attribute, because the loop holds its tasks weakly.
        self._closing = twisted_loop.create_task(self._close())
        return Deferred.fromFuture(self._closing)

    def _open(self) -> None:
        """Called by Daphne when it listens, just before the loop runs."""
        keep_memory_compact()
        guard(
            self.http_factory,
            self.ws_factory,
            connections_of(raise_file_limit()),
            body_limit_s=self._body_limit_s,
        )
        hear_of_accept_trouble()
        self._run_host.start(twisted_loop)
        # Imported objects are never freed: without the freeze, each full collection would walk them all and stop the
        # process for 100 to 250 ms.
        gc.collect()
        gc.freeze()
        self._watching = twisted_loop.create_task(self._slow_readers.watch())
        reactor.callWhenRunning(self._announce, self.listening_addresses[0][1])

    async def _close(self) -> None:
        for port in self._ports:
            port.stopListening()
        try:
            async with asyncio.timeout(DRAIN_LIMIT_S):
                await self._close_viewers()
                await self._run_host.drain()
        except TimeoutError:
            logger.error("Not drained in %g s. The next start takes up what was left.", DRAIN_LIMIT_S)
            self.exit_code = 1
        await self._end_applications()
        if self._watching is not None:
            self._watching.cancel()

    async def _end_applications(self) -> None:
        pending = [
            application
            for details in list(self.connections.values())
            if (application := details.get("application_instance")) and not application.done()
        ]
        if pending:
            _, slow = await asyncio.wait(pending, timeout=LAST_CALL_S)
            for application in slow:
                application.cancel()
            if slow:
                await asyncio.wait(slow, timeout=LAST_CALL_S)


def _transport_of(protocol: Any) -> CountedTransport | None:
    """The connection of a request or a socket; None once it is closed."""
    channel = protocol.channel if hasattr(protocol, "channel") else protocol
    transport = getattr(channel, "transport", None)
    return transport if isinstance(transport, CountedTransport) else None


def note_promise(transport: CountedTransport, message: Message) -> None:
    """Track the memory that a response of known length still holds: Django has built all of it."""
    if message["type"] == "http.response.start":
        lengths = [value for name, value in message.get("headers", ()) if name.lower() == b"content-length"]
        transport.promised = int(lengths[0]) if lengths else 0
    else:
        left = transport.promised - len(message.get("body", b""))
        transport.promised = max(0, left) if message.get("more_body") else 0


def see_that_port_is_free(host: str, port: int) -> None:
    """Raise `CannotServe` if the address cannot be bound. Port 0 is always free."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as attempt:
            # Like the server: a port whose last connections are still closing is free.
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            attempt.bind(address)
            attempt.listen(1)
    except OSError as error:
        raise CannotServe(
            f"cannot listen on {host} port {port} ({error.strerror}). Set PORT or HOST, or stop what has it."
        ) from error
