"""Queries of tools, in threads of their own."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, TypeVar

from django.db import connection

T = TypeVar("T")
_THREADS: Final = ThreadPoolExecutor(2, thread_name_prefix="agentsite-files")
"""Of this process. Not the host's reader: a file of 25 MiB would hold up the claims and replays of all runs."""


async def in_thread(work: Callable[[], T]) -> T:
    """The result of `work`, which may use the database."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, partial(_with_connection, work))


def _with_connection(work: Callable[[], T]) -> T:
    try:
        return work()
    finally:
        # Nobody else returns it, and an idle connection of Postgres is one that others lack.
        connection.close()
