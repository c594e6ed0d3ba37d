"""The pace at which the messages of one server are handled: one that sends more is read more slowly, and waits."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

MESSAGES_A_SECOND: Final = 1000
MESSAGE_BYTES: Final = 8_192
"""A larger message counts as several: to read so much dense JSON takes about as long as to handle a message."""


class MessagePace:
    """Limits what is read of a server: about `MESSAGES_A_SECOND`, and as many at once after a second without any."""

    def __init__(
        self,
        *,
        now_s: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._now_s, self._sleep = now_s, sleep
        self._left = float(MESSAGES_A_SECOND)
        self._at = now_s()

    async def take(self, size: int, messages: float = 1) -> None:
        """Wait until so many messages, which have `size` bytes together, may be handled."""
        now = self._now_s()
        self._left = min(MESSAGES_A_SECOND, self._left + (now - self._at) * MESSAGES_A_SECOND)
        self._at = now
        self._left -= messages + size / MESSAGE_BYTES
        if self._left < 0:
            await self._sleep(-self._left / MESSAGES_A_SECOND)
