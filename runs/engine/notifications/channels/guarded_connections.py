"""Connections of a library that makes its own: they lead where webhooks may, and end, whatever the library was told.

urllib3 opens every connection of `requests` by one function, and gives out every body by another. In a guarded thread
the first resolves the name once, checks all of its addresses and connects to a checked one, so that neither a redirect
nor a second answer of the name server leads elsewhere; the second ends a body that is too long. What is open when the
time is over is shut down: the timeouts of `requests` are of one read each, and a service that sends a byte now and then
reaches none of them.
"""

import contextlib
import socket
import threading
from collections.abc import Generator
from functools import cache
from ipaddress import ip_address
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from runs.agent.tools.web.public_addresses import is_of_this_machine, is_public
from runs.engine.webhooks.receivers import receiver_rules

if TYPE_CHECKING:
    from urllib3.response import HTTPResponse

MAX_RESPONSE_BYTES: Final = 256 * 1024
"""Of a body, decoded. The library gets its beginning: the status decides."""
MOST_OPEN: Final = 4
"""Connections of a thread that are watched, the last ones: it makes one request after the other."""

_thread = threading.local()


class HostNotAllowed(OSError):
    """The site does not send there. No connection was made."""


class TimeIsOver(OSError):
    """A connection of a guarded thread would begin after its time."""


class Guard:
    """In its context, connections of urllib3 made by this thread lead to allowed hosts only and end after `limit_s`;
    others raise `HostNotAllowed` and `TimeIsOver`."""

    def __init__(self, limit_s: float) -> None:
        self.words: list[str] = []
        """What the guard refused or ended, for the person: the library may not tell it."""
        self._limit_s = limit_s
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._is_over = False
        self._timer = threading.Timer(limit_s, self._end_late)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        _put_in_place()
        _thread.guard = self
        self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        _thread.guard = None
        self._timer.cancel()
        self._end()

    def check_time(self) -> None:
        """Raise `TimeIsOver` if it is over."""
        if self._is_over:
            raise self._too_late()

    def watched(self, connection: socket.socket) -> socket.socket:
        """The connection, which is shut down when the time is over. Raises `TimeIsOver` if it is over already."""
        with self._lock:
            if not self._is_over:
                # A second descriptor of it: TLS detaches the first one.
                self._open.append(connection.dup())
                if len(self._open) > MOST_OPEN:
                    self._open.pop(0).close()
                return connection
        connection.close()
        raise self._too_late()

    def _too_late(self) -> TimeIsOver:
        return TimeIsOver(f"No connection after {self._limit_s:g} s.")

    def _end_late(self) -> None:
        self.words.append(f"It took longer than {self._limit_s:g} s.")
        self._end()

    def _end(self) -> None:
        with self._lock:
            self._is_over = True
            for each in self._open:
                with contextlib.suppress(OSError):  # the other side was faster
                    each.shutdown(socket.SHUT_RDWR)
                each.close()
            self._open.clear()


@cache
def _put_in_place() -> None:
    from urllib3.response import HTTPResponse
    from urllib3.util import connection

    unguarded, whole = connection.create_connection, HTTPResponse.stream

    def create_connection(address: tuple[str, int], *arguments: Any, **options: Any) -> socket.socket:
        guard: Guard | None = getattr(_thread, "guard", None)
        if guard is None:
            return unguarded(address, *arguments, **options)
        host, port = address
        guard.check_time()
        try:
            return guard.watched(unguarded((checked_host(host, port), port), *arguments, **options))
        except HostNotAllowed as error:
            guard.words.append(str(error))
            raise

    def stream(
        response: HTTPResponse,
        amt: int | None = 65_536,
        decode_content: bool | None = None,  # noqa: FBT001 - as theirs
    ) -> Generator[bytes, None, None]:
        pieces = whole(response, amt, decode_content)
        return pieces if getattr(_thread, "guard", None) is None else _beginning(response, pieces)

    connection.create_connection = create_connection
    HTTPResponse.stream = stream  # type: ignore[assignment]


def _beginning(response: "HTTPResponse", pieces: Generator[bytes, None, None]) -> Generator[bytes, None, None]:
    from urllib3.exceptions import ProtocolError

    size = 0
    with contextlib.suppress(ProtocolError):  # the status came before the body broke off
        for piece in pieces:
            yield piece
            size += len(piece)
            if size >= MAX_RESPONSE_BYTES:
                response.close()
                return


def checked_host(host: str, port: int) -> str:
    """An address of the host that may be connected to. Raises `HostNotAllowed` unless all of them may, and `OSError` if
    the name has none."""
    rules, name = receiver_rules(), host.strip("[]")
    is_named = rules.are_named(name, port)
    if not is_named and port not in rules.ports:
        raise HostNotAllowed(f"The port {port} is not allowed.")
    found = list(dict.fromkeys(str(each[4][0]) for each in socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)))
    for each in map(ip_address, found):
        if not is_named and not (is_public(each) and not is_of_this_machine(each)):
            raise HostNotAllowed("The host is not on the public internet, and the site's settings do not name it.")
    return found[0]
