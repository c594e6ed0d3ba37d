"""The live view's own thread and database connection.

Channels closes and reopens connections around every frame of every socket: 300 microseconds per delivery.
Here one thread reads for all viewers, keeps its connection, and renders too, off the event loop.
"""

import asyncio
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from django.db import InterfaceError, OperationalError, connection

P = ParamSpec("P")
T = TypeVar("T")


class DatabaseReader:
    """Runs functions that read the database, one at a time, in one thread."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="live-reader")
        self._queued: dict[Hashable, asyncio.Future[Any]] = {}

    async def run(self, read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `read` returns. A connection that broke while idle is replaced once. Raises `DatabaseError`."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, _read, read, args, kwargs)

    async def run_shared(self, key: Hashable, read: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """As `run`. Callers with the same key share a read that has not begun: a hundred viewers who come at once cost
        one read, and none of them gets anything older than its own call."""
        queued = self._queued.get(key)
        if queued is None:
            queued = self._queued[key] = asyncio.ensure_future(self.run(self._begin, key, read, args, kwargs))
        # A caller who gives up does not end the read of the others.
        result: T = await asyncio.shield(queued)
        return result

    def _begin(self, key: Hashable, read: Callable[..., T], args: tuple[object, ...], kwargs: dict[str, object]) -> T:
        self._queued.pop(key, None)
        return read(*args, **kwargs)

    async def close(self) -> None:
        """Close the connection and end the thread after its current work."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, _close_connection)
        self._thread.shutdown(wait=False)


def _close_connection() -> None:
    # A function, so that `connection`, which is local to each thread, is that of the reader's thread.
    connection.close()


def _read(read: Callable[..., T], args: tuple[object, ...], kwargs: dict[str, object]) -> T:
    try:
        return read(*args, **kwargs)
    except (OperationalError, InterfaceError):
        # The server was restarted, or closed an idle connection. Reads can be repeated.
        connection.close()
        return read(*args, **kwargs)
