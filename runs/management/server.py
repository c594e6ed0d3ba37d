"""One process that serves pages and sockets and hosts runs: Daphne, with a run host on its loop."""

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

from runs.management.bodies import limit_bodies

DRAIN_LIMIT_S: Final = 8.5
"""For viewers to be told and runs to reach a safe point; the host keeps a shorter limit of its own. Supervisors usually
kill after ten seconds."""
LAST_CALL_S: Final = 1.0
"""For requests still being answered after that."""

logger = logging.getLogger(__name__)


class CannotServe(CommandError):
    """A start that cannot work, in one line; the process exits with code 2."""

    def __init__(self, message: str) -> None:
        super().__init__(message, returncode=2)


class Host(Protocol):
    """What the server asks of a run host."""

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Host runs on `loop`, which does not run yet."""

    async def drain(self) -> None:
        """Bring every run to a safe point and let go of it."""


class SiteServer(Server):  # type: ignore[misc]  # daphne is not typed
    """Serve until SIGTERM or Ctrl-C, then tell the viewers, drain the host and end.

    `exit_code` is 0 after a drain that kept its time, 1 if it did not, 2 if the port was taken in the last moment.
    """

    def __init__(
        self,
        application: Any,
        *,
        bind: tuple[str, int],
        run_host: Host,
        close_viewers: Callable[[], Awaitable[None]],
        announce: Callable[[int], None],
    ) -> None:
        address, port = bind
        escaped = address.replace(":", r"\:")
        super().__init__(
            application,
            endpoints=[f"tcp:port={port}:interface={escaped}"],
            ready_callable=self._open,
            server_name="agentsite",
        )
        self.exit_code = 0
        self._run_host = run_host
        self._close_viewers = close_viewers
        self._announce = announce
        self._ports: list[Any] = []
        self._closing: asyncio.Task[None] | None = None

    def listen_success(self, port: Any) -> None:
        """Remember the open port, to close it before anything else when the end comes."""
        super().listen_success(port)
        self._ports.append(port)

    def listen_error(self, failure: Any) -> None:
        """Somebody was faster than us."""
        logger.critical("Cannot listen: %s", failure.getErrorMessage())
        self.exit_code = 2
        self.stop()

    def kill_all_applications(self) -> "Deferred[None]":
        """Called by Daphne when the reactor is about to end, which waits for what this returns.

        Daphne's own would cancel the viewers in the middle of a frame, and fails with a `KeyError` when a connection
        has no application. On Python 3.11.7 ending with open sockets crashed the interpreter.
        """
        # Kept: the loop itself holds its tasks weakly.
        self._closing = twisted_loop.create_task(self._close())
        return Deferred.fromFuture(self._closing)

    def _open(self) -> None:
        """Called by Daphne when it listens, just before the loop runs."""
        limit_bodies(self.http_factory)
        self._run_host.start(twisted_loop)
        # What was imported stays for ever: left to the collector, each full collection walks it all and stops
        # everything for 100 to 250 ms.
        gc.collect()
        gc.freeze()
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


def see_that_port_is_free(host: str, port: int) -> None:
    """Raise `CannotServe` if nothing can listen at `host` and `port`. Port 0 is always free."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as attempt:
            # As the server will: a port whose last connections are still closing is free.
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            attempt.bind(address)
            attempt.listen(1)
    except OSError as error:
        raise CannotServe(
            f"cannot listen on {host} port {port} ({error.strerror}). Set PORT or HOST, or stop what has it."
        ) from error
