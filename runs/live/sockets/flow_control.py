"""Flow control: how much data may be in flight to a viewer, unacknowledged or unread.

Acknowledgements are what the viewer reports. The write buffer is what the server measures: Daphne queues without limit
for a reader that does not read, whatever that reader reports.
"""

import asyncio
from collections import deque

from runs.live.feeds.frames import BadFrame, Frame
from runs.live.sockets.write_buffer import NoWriteBuffer, WriteBuffer

MAX_FRAMES = 200
MAX_BYTES = 256 * 1024
"""A viewer's window is open below both: frames and bytes sent but not acknowledged."""


class SendWindow:
    """The frames of steps sent to one viewer and not yet acknowledged."""

    def __init__(self, buffer: WriteBuffer | None = None, position: int = 0) -> None:
        """`position`: the last step the viewer has at the start, and so may acknowledge."""
        self._buffer = buffer or NoWriteBuffer()
        self._sent: deque[tuple[int, int]] = deque()
        self._size = 0
        self._furthest = position
        self._acknowledged = 0
        self._opened = asyncio.Event()
        self._opened.set()

    @property
    def is_open(self) -> bool:
        """True if another frame may be sent."""
        return self._has_credit and self.has_room

    @property
    def has_room(self) -> bool:
        """True if the connection accepts more data."""
        return self._buffer.has_room

    @property
    def _has_credit(self) -> bool:
        return self._size < MAX_BYTES and len(self._sent) < MAX_FRAMES

    def add(self, frame: Frame) -> None:
        """Count a sent frame."""
        self._sent.append((frame.last, frame.size))
        self._size += frame.size
        self._furthest = max(self._furthest, frame.last)
        if not self._has_credit:
            self._opened.clear()

    def acknowledge(self, sequence: int) -> None:
        """Note that the viewer has every step up to `sequence`. Raises `BadFrame` if it cannot have, or had more
        before."""
        self.check(sequence)
        if sequence < self._acknowledged:
            raise BadFrame
        self._acknowledged = sequence
        while self._sent and self._sent[0][0] <= sequence:
            self._size -= self._sent.popleft()[1]
        if self._has_credit:
            self._opened.set()

    def go_back(self, sequence: int) -> None:
        """Allow the steps after `sequence` to be acknowledged again; frames in flight stay counted.

        Raises `BadFrame` for a step that was never sent.
        """
        self.check(sequence)
        self._acknowledged = min(self._acknowledged, sequence)

    def check(self, sequence: int) -> None:
        """Raise `BadFrame` if the viewer was never sent that step."""
        if sequence > self._furthest:
            raise BadFrame

    async def wait_until_open(self) -> None:
        """Wait until another frame may be sent."""
        while not self.is_open:
            await self._opened.wait()
            await self._buffer.wait_for_room()
