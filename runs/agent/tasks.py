"""The end of tasks."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

T = TypeVar("T")


async def to_its_end(coro: Coroutine[Any, Any, T]) -> T:
    """What the coroutine returns or raises. If this is cancelled meanwhile, it passes that on once that has ended."""
    task = asyncio.ensure_future(coro)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])  # unlike a bare await it never cancels what it waits for
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is None:
        return task.result()
    if not task.cancelled():
        task.exception()  # seen: else asyncio would log it as "never retrieved"
    raise cancelled


async def cancel_and_wait(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel the tasks and wait until each has ended. If this is cancelled meanwhile, it passes that on afterwards.

    What they raise is taken note of and dropped: it is no longer wanted, and asyncio would log it as "never retrieved".
    """
    ending = list(tasks)
    cancelled: asyncio.CancelledError | None = None
    for task in ending:
        task.cancel()
    while running := [task for task in ending if not task.done()]:
        try:
            await asyncio.wait(running)  # unlike gather it never cancels what it waits for
        except asyncio.CancelledError as error:
            cancelled = error
    for task in ending:
        if not task.cancelled():
            task.exception()
    if cancelled is not None:
        raise cancelled
