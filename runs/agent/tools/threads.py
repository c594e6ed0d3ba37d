"""Sync functions called from a coroutine."""

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable
from typing import Any


async def call_in_thread(function: Callable[..., Any], /, **arguments: Any) -> Any:
    """What `function` returns or raises, called in a thread of its own with this task's context.

    Cancelling this stops the waiting, not the thread: Python cannot stop one. It ends with the function or the process.
    """
    # Not asyncio.to_thread: its few threads are shared with name resolution, so that hanging tools would take the
    # network down with them, and the process waits for them at exit.
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[tuple[Any, BaseException | None]] = loop.create_future()
    context = contextvars.copy_context()

    def deliver(result: Any, error: BaseException | None) -> None:
        if not outcome.done():
            outcome.set_result((result, error))

    def work() -> None:
        result, error = None, None
        try:
            result = context.run(function, **arguments)
        except BaseException as raised:  # noqa: BLE001 - it is raised again, in the coroutine
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile: nobody waits any more
            loop.call_soon_threadsafe(deliver, result, error)

    threading.Thread(target=work, name=f"tool {function.__name__}", daemon=True).start()
    result, error = await outcome
    if error is not None:
        raise error
    return result
