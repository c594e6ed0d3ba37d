"""Calls of sync functions in threads."""

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable
from typing import Any


async def call_in_thread(function: Callable[..., Any], /, **arguments: Any) -> Any:
    """Call `function` in its own thread with this task's context. Returns or raises what it does.

    Cancelling this ends the wait, not the thread, which Python cannot stop: it ends with the function or the process.
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
        except BaseException as raised:  # noqa: BLE001 - re-raised in the coroutine
            error = raised
        try:
            with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
                loop.call_soon_threadsafe(deliver, result, error)
        finally:
            del result, error  # The traceback of an error holds this frame, and so everything that the call held.

    threading.Thread(target=work, name=f"tool {function.__name__}", daemon=True).start()
    result, error = await outcome
    if isinstance(error, GeneratorExit):
        # Raised here it would say that this coroutine is being closed.
        raise RuntimeError("The function raised GeneratorExit.") from error  # noqa: TRY004 - it is no wrong type
    if error is not None:
        raise error
    return result
