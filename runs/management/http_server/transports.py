"""TCP connections that count their pending bytes: written, but not read by the client."""

import array
import asyncio
import fcntl
import termios
from typing import Any, Final
from weakref import WeakSet

from twisted.internet.tcp import Server as TcpConnection
from typing_extensions import override

ROOM: Final = 64 * 1024
"""A connection that holds more has no room: the response waits."""


_open: "WeakSet[CountedTransport]" = WeakSet()


def open_transports() -> "list[CountedTransport]":
    """Every open connection of this process, idle or busy."""
    return list(_open)


class CountedTransport(TcpConnection):
    """A client's connection. Twisted buffers written data without limit; this class knows its size."""

    promised = 0
    """Bytes of a response of known length that are in memory and not yet written."""
    is_closed = False

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._written = 0
        self._waiters: list[asyncio.Future[None]] = []
        _open.add(self)

    @property
    def held(self) -> int:
        """Bytes written and not yet taken by the kernel."""
        return len(self.dataBuffer) - self.offset + self._tempDataLen

    @property
    def has_room(self) -> bool:
        """True if more may be written: it holds at most `ROOM`, or is closed."""
        return self.is_closed or self.held <= ROOM

    @property
    def on_the_way(self) -> int:
        """Bytes taken by the kernel and not acknowledged by the client; 0 where the kernel does not tell."""
        count = array.array("i", [0])
        descriptor = self.socket.fileno()
        if descriptor < 0:
            return 0
        try:
            fcntl.ioctl(descriptor, termios.TIOCOUTQ, count)
        except OSError:
            return 0
        return count[0]

    @property
    def written(self) -> int:
        """Bytes taken by the kernel since the connection began."""
        return self._written

    async def wait_for_room(self) -> None:
        """Wait until there is room."""
        while not self.has_room:
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await waiter

    @override
    def doWrite(self) -> Any:
        """Write to the kernel, and wake waiters if there is room again."""
        before = self.held
        result = super().doWrite()  # type: ignore[no-untyped-call]
        self._written += before - self.held
        if self._waiters and self.has_room:
            self._wake()
        return result

    @override
    def connectionLost(self, reason: Any) -> None:
        """Wake all waiters, and free the buffers at once rather than with the next garbage collection."""
        self.is_closed = True
        self.promised = 0
        _open.discard(self)
        super().connectionLost(reason)
        self.dataBuffer, self.offset = b"", 0
        self._tempDataBuffer, self._tempDataLen = [], 0
        self._wake()

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
