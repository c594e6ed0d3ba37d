"""A loop whose clock jumps to the next timer whenever nothing else is left to do: seconds of waiting cost nothing.

For coroutines that only sleep, wait for each other and time out. What waits for a thread or a socket would find its
time gone.
"""

import asyncio
import selectors
from collections.abc import Awaitable
from typing import Any, TypeVar

T = TypeVar("T")


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self) -> None:
        super().__init__()
        self.jumped_s = 0.0

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        if not (events := super().select(0)):
            self.jumped_s += timeout
        return events


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop that counts its seconds instead of living through them."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Seconds since the loop was made, as far as timers are concerned."""
        return self._jumping.jumped_s


def run_and_time(work: Awaitable[T]) -> tuple[T, float]:
    """What `work` returns, and how many seconds of waiting it took on its loop's clock."""

    async def done() -> T:
        return await work

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        result = runner.run(done())
        return result, round(runner.get_loop().time(), 6)
