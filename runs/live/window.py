"""How much may be on its way to a viewer. Daphne queues without limit for a reader that does not read."""

import asyncio
from collections import deque

from runs.live.frames import Frame

MAX_FRAMES = 200
MAX_BYTES = 256 * 1024
"""A viewer's window is open below both: frames and bytes sent but not acknowledged."""


class Window:
    """The frames of steps sent to one viewer and not acknowledged yet."""

    def __init__(self) -> None:
        self._sent: deque[tuple[int, int]] = deque()
        self._size = 0
        self._opened = asyncio.Event()
        self._opened.set()

    @property
    def is_open(self) -> bool:
        """True if another frame may be sent."""
        return self._size < MAX_BYTES and len(self._sent) < MAX_FRAMES

    def add(self, frame: Frame) -> None:
        """A frame was sent."""
        self._sent.append((frame.last, frame.size))
        self._size += frame.size
        if not self.is_open:
            self._opened.clear()

    def acknowledge(self, sequence: int) -> None:
        """The viewer has every step up to `sequence`."""
        while self._sent and self._sent[0][0] <= sequence:
            self._size -= self._sent.popleft()[1]
        if self.is_open:
            self._opened.set()

    async def wait_until_open(self) -> None:
        """Return once another frame may be sent."""
        await self._opened.wait()
