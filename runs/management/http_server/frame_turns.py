"""Turns: what WebSockets have sent is parsed piece by piece, each socket in its turn, between other work of the loop.

A frame costs 50 to 100 microseconds, however short it is: a hundred sockets that send 400 frames each at once would
otherwise stop the process for four seconds.
"""

import asyncio
import time
from collections import deque
from typing import Final, Protocol

PIECE_BYTES: Final = 128
"""Bytes of one socket that are parsed in its turn: up to 21 frames, or a few messages of a browser."""

TURN_S: Final = 0.004
"""How long frames are parsed until the loop does other work, in seconds."""


class Parser(Protocol):
    """A socket that parses bytes."""

    def parse(self, data: bytes) -> None:
        """Parse the next bytes it has received."""


class FrameTurns:
    """The received bytes of all sockets of one event loop that are not parsed yet. Each is limited by its socket."""

    def __init__(self) -> None:
        self._pending: dict[Parser, bytearray] = {}
        self._turns: deque[Parser] = deque()
        self._is_due = False

    def add(self, socket: Parser, data: bytes) -> None:
        """Parse `data` when it is the socket's turn: soon, and after what it has sent before."""
        if socket not in self._pending:
            self._pending[socket] = bytearray()
            self._turns.append(socket)
        self._pending[socket] += data
        self._go_on_soon()

    def forget(self, socket: Parser) -> None:
        """Drop what the socket has sent: its connection is gone."""
        if self._pending.pop(socket, None) is not None:
            self._turns.remove(socket)

    def _go_on_soon(self) -> None:
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        self._is_due = False
        until = time.monotonic() + TURN_S
        while self._turns and time.monotonic() < until:
            socket = self._turns.popleft()
            rest = self._pending.pop(socket)
            if len(rest) > PIECE_BYTES:
                self._pending[socket] = rest[PIECE_BYTES:]
                self._turns.append(socket)
            socket.parse(bytes(rest[:PIECE_BYTES]))
        if self._turns:
            self._go_on_soon()
