"""Queries of tools, in threads of their own."""

import asyncio
import atexit
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final, TypeVar

from django.db import connection

T = TypeVar("T")
IDLE_S: Final = 5.0
"""How long a thread keeps its connection without work. To connect takes Postgres longer than a search; but an idle
connection is one that others lack."""


class DatabaseThreads:
    """Up to `number` threads, started when there is work, each with a connection that it keeps for `idle_s`."""

    def __init__(self, number: int, *, idle_s: float = IDLE_S) -> None:
        self._number, self._idle_s = number, idle_s
        self._queue: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._unclaimed = 0
        """Threads less the work that they do or that waits for them."""

    async def run(self, work: Callable[[], T]) -> T:
        """The result of `work`, which may use the database. Cancelling this does not end work that has begun."""
        job: Future[T] = Future()
        with self._lock:
            if self._unclaimed < 1 and len(self._threads) < self._number:
                self._start()
            self._unclaimed -= 1
            self._queue.put((job, work))
        return await asyncio.wrap_future(job)

    def _start(self) -> None:
        # A daemon: Python would otherwise wait for it before it calls `end`.
        thread = threading.Thread(target=self._serve, name=f"agentsite-files-{len(self._threads)}", daemon=True)
        thread.start()
        self._threads.append(thread)
        self._unclaimed += 1

    def end(self) -> None:
        """End the threads after the work that they have."""
        with self._lock:
            threads, self._threads = self._threads, []
        for _ in threads:
            self._queue.put(None)
        for thread in threads:
            thread.join()
            with self._lock:
                self._unclaimed -= 1

    # In the threads

    def _serve(self) -> None:
        try:
            while self._do_next():
                pass
        finally:
            connection.close()

    def _do_next(self) -> bool:
        """Do a piece of work. False at the end.

        Not in the endless loop, whose variables would keep the last result in memory until the next comes.
        """
        try:
            taken = self._queue.get(timeout=self._idle_s if connection.connection is not None else None)
        except queue.Empty:
            connection.close()
            taken = self._queue.get()
        if taken is None:
            return False
        job, work = taken
        if job.set_running_or_notify_cancel():
            try:
                result = _with_connection(work)
            except BaseException as error:  # noqa: BLE001 - raised where the work was asked for
                self._is_free()
                job.set_exception(error)
            else:
                self._is_free()
                job.set_result(result)
        else:
            self._is_free()
        return True

    def _is_free(self) -> None:
        # Before the result is told: the next work, asked for with it, then needs no other thread and connection.
        with self._lock:
            self._unclaimed += 1


def _with_connection(work: Callable[[], T]) -> T:
    # The server may have been restarted since, or have closed a connection that was idle.
    if connection.connection is not None and not connection.is_usable():
        connection.close()
    try:
        return work()
    except BaseException:
        connection.close()
        raise


THREADS: Final = DatabaseThreads(2)
"""Of this process. Not the host's reader: a file of 25 MiB would hold up the claims and replays of all runs."""
atexit.register(THREADS.end)


async def in_thread(work: Callable[[], T]) -> T:
    """The result of `work`, which may use the database."""
    return await THREADS.run(work)
