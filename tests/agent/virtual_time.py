"""An event loop whose clock jumps to the next timer when it is idle, so that waits take no real time.

For coroutines that only sleep, wait for each other and time out. A wait for a thread or a socket would find its
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
    """An event loop with virtual time."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Virtual seconds since the creation of the loop."""
        return self._jumping.jumped_s


def run_and_time(work: Awaitable[T]) -> tuple[T, float]:
    """The result of `work`, and its duration in virtual seconds."""

    async def done() -> T:
        return await work

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        result = runner.run(done())
        return result, round(runner.get_loop().time(), 6)
