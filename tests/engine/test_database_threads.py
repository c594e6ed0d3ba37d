"""Queries of tools run in threads that keep a connection while there is work, and not longer."""

import asyncio
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from runs.engine.database_threads import DatabaseThreads

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def threads() -> Iterator[DatabaseThreads]:
    """Two threads, which keep a connection for as long as the test."""
    threads = DatabaseThreads(2, idle_s=60)
    yield threads
    threads.end()


def connected() -> Any:
    """The connection of this thread, as the driver made it."""
    connection.ensure_connection()
    return connection.connection


def is_closed(opened: sqlite3.Connection) -> bool:
    try:
        opened.execute("SELECT 1")
    except sqlite3.ProgrammingError:
        return True
    return False


def wait_until_closed(opened: sqlite3.Connection) -> None:
    until = time.monotonic() + 20
    while not is_closed(opened):
        assert time.monotonic() < until
        time.sleep(0.01)


async def test_one_query_after_the_other_uses_one_connection(threads: DatabaseThreads) -> None:
    assert await threads.run(User.objects.count) == 0
    first = await threads.run(connected)
    assert await threads.run(connected) is first


async def test_two_queries_at_once_do_not_wait_for_each_other(threads: DatabaseThreads) -> None:
    both = threading.Barrier(2, timeout=20)

    await threads.run(User.objects.count)
    await asyncio.gather(threads.run(both.wait), threads.run(both.wait))


async def test_a_connection_without_work_is_closed_and_the_next_query_opens_another() -> None:
    threads = DatabaseThreads(1, idle_s=0.05)
    opened = await threads.run(connected)
    await asyncio.to_thread(wait_until_closed, opened)
    assert await threads.run(User.objects.count) == 0
    threads.end()


async def test_a_failure_is_raised_where_the_work_was_asked_for_and_leaves_no_connection(
    threads: DatabaseThreads,
) -> None:
    opened = await threads.run(connected)
    with pytest.raises(User.DoesNotExist):
        await threads.run(User.objects.get)
    assert is_closed(opened)
    assert await threads.run(User.objects.count) == 0


async def test_work_that_is_cancelled_before_it_begins_is_not_done() -> None:
    threads, may_end, done = DatabaseThreads(1), threading.Event(), []
    busy = asyncio.create_task(threads.run(lambda: may_end.wait(20)))
    waiting = asyncio.create_task(threads.run(lambda: done.append("cancelled")))
    last = asyncio.create_task(threads.run(lambda: done.append("last")))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.sleep(0)
    may_end.set()
    await asyncio.gather(busy, last)
    assert done == ["last"]
    threads.end()


async def test_the_end_comes_after_the_work_and_closes_the_connections(threads: DatabaseThreads) -> None:
    opened = await threads.run(connected)
    done: list[str] = []
    work = asyncio.create_task(threads.run(lambda: done.append("done")))
    await asyncio.sleep(0)
    threads.end()
    assert done == ["done"] and is_closed(opened)
    await work
    assert await threads.run(User.objects.count) == 0


def test_a_process_with_an_idle_connection_ends_at_once() -> None:
    code = (
        "import asyncio, django; django.setup()\n"
        "from django.db import connection\n"
        "from runs.engine.database_threads import in_thread\n"
        "asyncio.run(in_thread(connection.ensure_connection)); print('ends')"
    )
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, timeout=60, check=True)
    assert done.stdout == "ends\n"
