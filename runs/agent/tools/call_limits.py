"""Limits of a tool's calls: how many at once, and how many in a minute, in this process."""

import asyncio
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final

from runs.agent.errors import call_sentences as sentences
from runs.agent.errors.exceptions import ToolUnavailable
from runs.agent.sandbox.slots import JobSlots

MINUTE_S: Final = 60.0
WAITING_SHARE: Final = 0.5
"""Of the time limit of a call, how much it may wait: the rest is for the call itself."""


class CallRate:
    """At most `most` calls in any minute. Thread-safe."""

    def __init__(self, most: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._starts: deque[float] = deque(maxlen=most)
        self._clock = clock
        self._lock = threading.Lock()

    def reserve(self, longest_s: float) -> float:
        """Reserve the next place and return the seconds until it; more than `longest_s` if it is not reserved."""
        with self._lock:
            now = self._clock()
            is_full = len(self._starts) == self._starts.maxlen
            at = max(now, self._starts[0] + MINUTE_S) if is_full else now
            if at - now <= longest_s:
                self._starts.append(at)
            return at - now


class CallLimits:
    """The limits of one tool."""

    def __init__(self, tool_name: str, *, concurrency: int | None = None, rate: int | None = None) -> None:
        """`concurrency` calls at once, and `rate` calls in a minute; None for no limit. Raises `ValueError` for less
        than 1."""
        for name, most in (("concurrency", concurrency), ("rate", rate)):
            if most is not None and most < 1:
                raise ValueError(f"{name} must be at least 1, not {most!r}.")
        self.tool_name = tool_name
        self.concurrency = concurrency
        self.rate = rate
        self._slots = JobSlots(concurrency) if concurrency is not None else None
        self._rate = CallRate(rate) if rate is not None else None

    @asynccontextmanager
    async def hold(self, wait_s: float) -> AsyncIterator[None]:
        """A place for one call. Raises `ToolUnavailable` if it cannot begin within `wait_s`."""
        async with AsyncExitStack() as held:
            until = time.monotonic() + wait_s
            if self._slots is not None:
                values = {"tool": self.tool_name, "most": str(self.concurrency), "wait_s": f"{wait_s:.3g}"}
                await held.enter_async_context(self._slots.hold(wait_s=wait_s, busy=sentences.TOOL_BUSY.made(**values)))
            if self._rate is not None:
                longest_s = max(0.0, until - time.monotonic())
                left_s = self._rate.reserve(longest_s)
                if left_s > longest_s:
                    values = {"tool": self.tool_name, "most": str(self.rate), "wait_s": f"{left_s:.3g}"}
                    raise ToolUnavailable(sentences.TOOL_TOO_OFTEN.made(**values))
                await asyncio.sleep(left_s)
            yield


@asynccontextmanager
async def place_for(tool: Any, timeout_s: float) -> AsyncIterator[None]:
    """A place for one call of the tool, for which it may wait half of its time limit. Raises `ToolUnavailable`."""
    limits: CallLimits | None = getattr(tool, "call_limits", None)
    if limits is None or (limits.concurrency is None and limits.rate is None):
        yield
        return
    async with limits.hold(timeout_s * WAITING_SHARE):
        yield
