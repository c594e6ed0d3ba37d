"""Awaiting and cancelling tasks without losing a cancellation of the caller."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

T = TypeVar("T")


async def run_to_completion(coro: Coroutine[Any, Any, T]) -> T:
    """Return or raise what the coroutine does. A cancellation of the caller is raised after the coroutine has ended."""
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
        task.exception()  # retrieved: else asyncio would log it as "never retrieved"
    raise cancelled


async def run_cancellable(coro: Coroutine[Any, Any, T]) -> T:
    """Return or raise what the coroutine does. A cancellation of the caller cancels the coroutine.

    It is raised after the coroutine has ended, even if the coroutine swallows it or answers it with an error, as a
    database client does that is closing a connection at that moment.
    """
    task = asyncio.ensure_future(coro)
    try:
        await asyncio.wait([task])  # unlike a bare await it raises the cancellation here
    except asyncio.CancelledError:
        await cancel_and_wait([task])
        raise
    return task.result()


async def cancel_and_wait(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel the tasks and wait until each has ended. A cancellation of the caller is raised after that.

    Their exceptions are retrieved and dropped: else asyncio would log them as "never retrieved".
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
