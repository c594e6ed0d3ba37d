"""What is cancelled ends, and its caller learns it, whatever the cancelled code makes of it."""

import asyncio

import pytest

from runs.agent.concurrency.tasks import run_cancellable


async def swallow(begun: asyncio.Event) -> str:
    """Answer a cancellation with a result."""
    begun.set()
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        return "as if nothing had happened"
    return "never"


async def replace(begun: asyncio.Event) -> str:
    """Answer a cancellation with an error."""
    begun.set()
    try:
        return str(await asyncio.Event().wait())
    except asyncio.CancelledError as error:
        raise ConnectionError("could not be closed") from error


@pytest.mark.parametrize("coroutine", [swallow, replace])
async def test_a_cancellation_reaches_the_caller_even_if_the_coroutine_loses_it(coroutine):
    begun = asyncio.Event()
    task = asyncio.create_task(run_cancellable(coroutine(begun)))
    await begun.wait()

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("coroutine", [swallow, replace])
async def test_a_group_ends_though_a_task_of_it_loses_its_cancellation(coroutine):
    begun = asyncio.Event()

    async def watch() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(look())

    async def look() -> None:
        while True:
            try:
                await run_cancellable(coroutine(begun))
            except ConnectionError:
                continue

    task = asyncio.create_task(watch())
    await begun.wait()

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_results_and_errors_are_those_of_the_coroutine():
    async def fail() -> None:
        raise LookupError("nothing there")

    assert await run_cancellable(asyncio.sleep(0, "done")) == "done"
    with pytest.raises(LookupError, match="nothing there"):
        await run_cancellable(fail())
