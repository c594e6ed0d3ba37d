"""The queue of frames: what WebSockets have sent is parsed in small pieces, round robin, between other
work of the loop.

A frame costs 50 to 100 microseconds, however short it is: a hundred sockets that send 400 frames each at once would
otherwise stop the process for four seconds.
"""

import asyncio
import time
from collections import deque
from typing import Final, Protocol

PIECE_BYTES: Final = 128
"""Bytes of one socket that are parsed at a time: up to 21 frames, or a few messages of a browser."""

SLICE_S: Final = 0.004
"""How long frames are parsed until the loop does other work, in seconds."""


class FrameParser(Protocol):
    """A socket that parses bytes."""

    def parse(self, data: bytes) -> None:
        """Parse the next bytes it has received."""


class FrameQueue:
    """The received bytes of all sockets of one event loop that are not parsed yet. Each is limited by its socket."""

    def __init__(self) -> None:
        self._pending: dict[FrameParser, bytearray] = {}
        self._order: deque[FrameParser] = deque()
        self._is_due = False

    def add(self, socket: FrameParser, data: bytes) -> None:
        """Parse `data` soon, after what the socket has sent before."""
        if socket not in self._pending:
            self._pending[socket] = bytearray()
            self._order.append(socket)
        self._pending[socket] += data
        self._go_on_soon()

    def forget(self, socket: FrameParser) -> None:
        """Drop what the socket has sent: its connection is gone."""
        if self._pending.pop(socket, None) is not None:
            self._order.remove(socket)

    def _go_on_soon(self) -> None:
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        self._is_due = False
        until = time.monotonic() + SLICE_S
        try:
            while self._order and time.monotonic() < until:
                self._parse_piece(self._order.popleft())
        finally:
            # Also after a socket that fails: the others do not wait for the next that sends something.
            if self._order:
                self._go_on_soon()

    def _parse_piece(self, socket: FrameParser) -> None:
        pending = self._pending[socket]
        piece = bytes(pending[:PIECE_BYTES])
        del pending[:PIECE_BYTES]
        if pending:
            self._order.append(socket)
        else:
            del self._pending[socket]
        socket.parse(piece)
