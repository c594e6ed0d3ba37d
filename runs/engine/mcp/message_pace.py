"""The pace at which the messages of one server are handled: one that sends more is read more slowly, and waits."""

import asyncio
from typing import Final

MESSAGES_A_SECOND: Final = 1000
MESSAGE_BYTES: Final = 65_536
"""A larger message counts as several."""


class MessagePace:
    """Limits what is read of a server: about `MESSAGES_A_SECOND`, and as many at once after a second without any."""

    def __init__(self) -> None:
        self._left = float(MESSAGES_A_SECOND)
        self._at = asyncio.get_running_loop().time()

    async def take(self, size: int, messages: float = 1) -> None:
        """Wait until so many messages, which have `size` bytes together, may be handled."""
        now = asyncio.get_running_loop().time()
        self._left = min(MESSAGES_A_SECOND, self._left + (now - self._at) * MESSAGES_A_SECOND)
        self._at = now
        self._left -= messages + size / MESSAGE_BYTES
        if self._left < 0:
            await asyncio.sleep(-self._left / MESSAGES_A_SECOND)
