"""A timeout around one awaitable."""

import asyncio
import inspect
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


async def call_with_timeout(coro: Awaitable[T], timeout_seconds: float) -> T:
    """Return what the coroutine returns. Raises `TimeoutError("Operation timed out after …s")` if it takes longer.

    A `TimeoutError` raised by the coroutine itself, and a cancellation from outside, pass unchanged. With a timeout of
    0 or less the coroutine is not started.
    """
    if not timeout_seconds > 0:
        if inspect.iscoroutine(coro):
            coro.close()  # else Python warns that it was never awaited
        raise _timed_out(timeout_seconds)
    try:
        async with asyncio.timeout(timeout_seconds) as deadline:
            return await coro
    except TimeoutError as error:
        if deadline.expired():
            raise _timed_out(timeout_seconds) from error
        raise


def _timed_out(timeout_seconds: float) -> TimeoutError:
    return TimeoutError(f"Operation timed out after {timeout_seconds}s")
