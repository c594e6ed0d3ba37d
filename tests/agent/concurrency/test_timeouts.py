"""`call_with_timeout`."""

import asyncio
import inspect

import pytest

from runs.agent.concurrency.timeouts import call_with_timeout


async def test_what_is_in_time_gives_its_result():
    async def answer() -> str:
        return "now"

    assert await call_with_timeout(answer(), 5) == "now"


async def test_what_takes_longer_is_cancelled_and_the_error_says_how_long_it_had():
    cancelled = asyncio.Event()

    async def hang() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    with pytest.raises(TimeoutError, match=r"^Operation timed out after 0\.01s$"):
        await call_with_timeout(hang(), timeout_seconds=0.01)
    assert cancelled.is_set()


async def test_a_timeout_error_of_the_coroutines_own_passes_unchanged():
    own = TimeoutError("the database took too long")

    async def raises() -> None:
        raise own

    with pytest.raises(TimeoutError) as caught:
        await call_with_timeout(raises(), 5)
    assert caught.value is own


@pytest.mark.parametrize("timeout_seconds", [0, -1, float("nan")])
async def test_with_no_time_at_all_the_coroutine_is_never_started(timeout_seconds):
    started = []

    async def work() -> None:
        started.append(True)

    coroutine = work()
    with pytest.raises(TimeoutError, match="Operation timed out after"):
        await call_with_timeout(coroutine, timeout_seconds)

    assert started == []
    assert inspect.getcoroutinestate(coroutine) == inspect.CORO_CLOSED


async def test_cancellation_passes():
    started = asyncio.Event()

    async def hang() -> None:
        started.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(call_with_timeout(hang(), 60))
    await started.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
