"""A service survives unexpected failures."""

import asyncio
import logging

import pytest

from runs.engine.hosting import supervisor


async def test_a_service_that_fails_unforeseen_is_logged_and_started_again(caplog: pytest.LogCaptureFixture) -> None:
    starts: list[int] = []
    serves_again = asyncio.Event()

    async def hear() -> None:
        starts.append(1)
        if len(starts) < 3:
            raise LookupError("a message nobody can read")
        serves_again.set()
        await asyncio.Event().wait()

    with caplog.at_level(logging.ERROR, supervisor.__name__):
        kept = asyncio.create_task(supervisor.supervise(hear, again_after_s=0.0))
        async with asyncio.timeout(10):
            await serves_again.wait()

    kept.cancel()
    await asyncio.wait([kept], timeout=10)
    assert kept.cancelled()
    assert [record.exc_info is not None and record.exc_info[0] for record in caplog.records] == [LookupError] * 2
    assert "hear failed, it is started again." in caplog.text


async def test_a_service_that_fails_at_its_end_is_not_started_again() -> None:
    starts: list[int] = []
    hears = asyncio.Event()

    async def hear() -> None:
        starts.append(1)
        hears.set()
        try:
            await asyncio.Event().wait()
        finally:
            raise ConnectionResetError("the layer is away, so its channel could not be closed")

    kept = asyncio.create_task(supervisor.supervise(hear))
    await hears.wait()
    kept.cancel()
    await asyncio.wait([kept], timeout=5)

    assert kept.done() and kept.cancelled()
    assert len(starts) == 1


async def test_a_service_whose_own_task_fails_is_started_again(caplog: pytest.LogCaptureFixture) -> None:
    starts: list[int] = []
    serves_again = asyncio.Event()

    async def fail() -> None:
        raise LookupError("a message nobody can read")

    async def hear() -> None:
        starts.append(1)
        if len(starts) > 1:
            serves_again.set()
            await asyncio.Event().wait()
        # On Python 3.11 a group whose task fails leaves its own task with a cancellation count.
        async with asyncio.TaskGroup() as group:
            group.create_task(fail())

    with caplog.at_level(logging.ERROR, supervisor.__name__):
        kept = asyncio.create_task(supervisor.supervise(hear, again_after_s=0.0))
        async with asyncio.timeout(10):
            await serves_again.wait()

    kept.cancel()
    await asyncio.wait([kept], timeout=10)
    assert kept.cancelled()
    assert "hear failed, it is started again." in caplog.text


async def test_a_service_that_takes_a_cancellation_for_a_failure_ends_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(supervisor, "END_AGAIN_AFTER_S", 0.01)
    hears, cancels = asyncio.Event(), list[int]()

    async def hear() -> None:
        while len(cancels) < 2:
            hears.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancels.append(1)

    kept = asyncio.create_task(supervisor.supervise(hear))
    await hears.wait()
    kept.cancel()
    await asyncio.wait([kept], timeout=10)

    assert kept.done() and kept.cancelled()
    assert len(cancels) == 2
