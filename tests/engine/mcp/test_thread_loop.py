"""Work on the loop of another thread: its caller gets what it returns or raises, and stops it."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar

import pytest

from runs.engine.mcp.thread_loop import ThreadLoop

STOPS_WITHIN_S = 10.0
who: ContextVar[str] = ContextVar("who", default="nobody")


@pytest.fixture
def loop() -> Iterator[ThreadLoop]:
    """A loop with its thread."""
    made = ThreadLoop("test-loop")
    yield made
    made.stop(STOPS_WITHIN_S)


@pytest.fixture
async def logged() -> AsyncIterator[list[str]]:
    """What this loop reports of exceptions that nobody took."""
    told: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, about: told.append(about["message"]))
    yield told
    asyncio.get_running_loop().set_exception_handler(None)


async def test_work_is_done_in_the_other_thread_and_in_the_context_of_the_caller(loop: ThreadLoop) -> None:
    async def work() -> tuple[str, str]:
        await asyncio.sleep(0)
        return threading.current_thread().name, who.get()

    who.set("ada")

    assert await loop.run(work()) == ("test-loop", "ada")


async def test_the_caller_gets_the_exception_of_the_work(loop: ThreadLoop) -> None:
    async def work() -> None:
        raise LookupError("no such tide")

    with pytest.raises(LookupError, match="no such tide"):
        await loop.run(work())


async def test_work_that_is_cancelled_there_is_cancelled_for_its_caller(loop: ThreadLoop) -> None:
    async def work() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await loop.run(work())


@pytest.mark.parametrize("is_begun", [True, False])
async def test_a_caller_that_is_cancelled_cancels_the_work_and_does_not_wait_for_its_end(
    loop: ThreadLoop, logged: list[str], is_begun: bool
) -> None:
    begun, held, ended = threading.Event(), threading.Event(), threading.Event()

    async def hold() -> None:
        held.wait(STOPS_WITHIN_S)

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    if not is_begun:
        holding = asyncio.create_task(loop.run(hold()))
        await asyncio.sleep(0)
    caller = asyncio.create_task(loop.run(work()))
    await (asyncio.to_thread(begun.wait, STOPS_WITHIN_S) if is_begun else asyncio.sleep(0))

    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    held.set()

    if is_begun:
        assert await asyncio.to_thread(ended.wait, STOPS_WITHIN_S)
    else:
        await holding
        await loop.run(asyncio.sleep(0))
        assert not begun.is_set()
    assert logged == []


async def test_a_failure_after_the_caller_has_left_is_reported_by_no_loop(loop: ThreadLoop, logged: list[str]) -> None:
    begun, failed = threading.Event(), threading.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            failed.set()
            raise LookupError("no such tide")

    caller = asyncio.create_task(loop.run(work()))
    await asyncio.to_thread(begun.wait, STOPS_WITHIN_S)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert await asyncio.to_thread(failed.wait, STOPS_WITHIN_S)
    await loop.run(asyncio.sleep(0))

    assert logged == []


def test_the_end_of_the_callers_loop_is_no_failure_of_the_work(loop: ThreadLoop) -> None:
    begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            go_on.wait(STOPS_WITHIN_S)
            ended.set()

    async def leave() -> None:
        task = asyncio.create_task(loop.run(work()))
        await asyncio.to_thread(begun.wait, STOPS_WITHIN_S)
        task.cancel()

    asyncio.run(leave())
    go_on.set()

    assert ended.wait(STOPS_WITHIN_S)
    assert loop.run_from_thread(asyncio.sleep(0, "still there"), STOPS_WITHIN_S) == "still there"
