"""Slots of this process for jobs and calls, shared by all of its event loops and threads, first come, first served."""

import asyncio
import os
import threading
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from runs.agent.errors.exceptions import ToolUnavailable
from runs.agent.errors.file_sentences import JOBS_BUSY

JOBS_AT_ONCE: Final = max(2, os.cpu_count() or 1)
LONGEST_WAIT_S: Final = 30.0


class JobSlots:
    """At most `number` holders at a time. Thread-safe."""

    def __init__(self, number: int) -> None:
        self._free = number
        self._lock = threading.Lock()
        self._waiting: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def hold(self, *, wait_s: float = LONGEST_WAIT_S, busy: str = JOBS_BUSY.made()) -> AsyncIterator[None]:
        """Hold a slot. Raises `ToolUnavailable`, which says `busy`, if none is free within `wait_s`."""
        await self._take(wait_s, busy)
        try:
            yield
        finally:
            self._give_back()

    async def _take(self, wait_s: float, busy: str) -> None:
        with self._lock:
            if self._free:
                self._free -= 1
                return
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
        try:
            async with asyncio.timeout(wait_s):
                await turn
        except BaseException as interrupted:
            # A slot may have been handed over just before the interruption: it goes to the next in line.
            if not self._leave_queue(turn):
                self._give_back()
            if isinstance(interrupted, TimeoutError):
                raise ToolUnavailable(busy) from None
            raise

    def _leave_queue(self, turn: "asyncio.Future[None]") -> bool:
        with self._lock:
            if is_queued := turn in self._waiting:
                self._waiting.remove(turn)
        return is_queued

    def _give_back(self) -> None:
        with self._lock:
            while self._waiting:
                turn = self._waiting.popleft()
                try:
                    turn.get_loop().call_soon_threadsafe(_hand_over, turn)
                except RuntimeError:  # its event loop has ended
                    continue
                return
            self._free += 1


def _hand_over(turn: "asyncio.Future[None]") -> None:
    if not turn.done():
        turn.set_result(None)


SLOTS: Final = JobSlots(JOBS_AT_ONCE)
"""The slots of this process."""
