"""The live view's reader: one thread, and reads that several callers share."""

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest

from runs.live.feeds.db_reader import DatabaseReader


@pytest.fixture
async def reader() -> AsyncIterator[DatabaseReader]:
    reader = DatabaseReader()
    yield reader
    await reader.close()


@pytest.mark.django_db(transaction=True)
async def test_callers_who_wait_for_the_same_share_one_read_and_who_comes_after_its_begin_has_another(
    reader: DatabaseReader,
):
    begun, may_end = threading.Event(), threading.Event()
    reads = []

    def read(name: str) -> int:
        begun.set()
        may_end.wait(10)
        reads.append(name)
        return len(reads)

    first = asyncio.ensure_future(reader.run_shared("a", read, "a"))
    assert await asyncio.to_thread(begun.wait, 10)
    later = [asyncio.ensure_future(reader.run_shared(key, read, key)) for key in "aabab"]
    await asyncio.sleep(0)
    may_end.set()

    assert await first == 1
    assert await asyncio.gather(*later) == [2, 2, 3, 2, 3]
    assert reads == ["a", "a", "b"]


@pytest.mark.django_db(transaction=True)
async def test_a_caller_who_gives_up_does_not_end_the_read_of_the_others(reader: DatabaseReader):
    may_end = threading.Event()
    busy = asyncio.ensure_future(reader.run(may_end.wait, 10))
    gone, other = (asyncio.ensure_future(reader.run_shared("a", lambda: "read")) for _ in range(2))
    await asyncio.sleep(0)

    gone.cancel()
    may_end.set()

    assert await busy
    assert await other == "read"
    with pytest.raises(asyncio.CancelledError):
        await gone


@pytest.mark.django_db(transaction=True)
async def test_a_read_that_fails_fails_for_all_who_share_it_and_not_for_the_next(reader: DatabaseReader):
    def fail() -> str:
        raise ValueError("no such thing")

    may_end = threading.Event()
    busy = asyncio.ensure_future(reader.run(may_end.wait, 10))
    both = [asyncio.ensure_future(reader.run_shared("a", fail)) for _ in range(2)]
    await asyncio.sleep(0)
    may_end.set()
    assert await busy

    assert [type(each) for each in await asyncio.gather(*both, return_exceptions=True)] == [ValueError] * 2
    assert await reader.run_shared("a", lambda: "read") == "read"
