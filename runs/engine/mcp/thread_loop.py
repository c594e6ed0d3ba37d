"""An event loop on a thread of its own, whose work the coroutines of other loops wait for."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class ThreadLoop:
    """The loop and its thread, which runs until `stop`."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)
        self._thread.start()

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run `work` there, in the context of the caller, and return or raise what it does. A cancellation of the
        caller cancels it, and does not wait for its end."""
        # Not `run_coroutine_threadsafe` and `wrap_future`: they have a third future, with a lock, between the task
        # there and the future here, and its callbacks take further rounds of both loops.
        errand = _Errand(work, asyncio.get_running_loop())
        self._loop.call_soon_threadsafe(errand.begin, self._loop)
        try:
            return await errand.outcome
        except asyncio.CancelledError:
            if errand.outcome.done() and not errand.outcome.cancelled():
                errand.outcome.exception()  # retrieved: else asyncio would log it as "never retrieved"
            with suppress(RuntimeError):  # the loop was closed, with all that it had
                self._loop.call_soon_threadsafe(errand.cancel)
            raise

    def run_from_thread(self, work: Coroutine[Any, Any, T], timeout_s: float) -> T:
        """The same from a thread without an event loop. Raises `TimeoutError`; the work is then cancelled."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(timeout_s)
        except TimeoutError:
            future.cancel()
            raise

    def stop(self, timeout_s: float) -> None:
        """End the thread. If it has not ended in time, it is left behind."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout_s)
        if not self._thread.is_alive():
            self._loop.close()


class _Errand(Generic[T]):
    """One piece of work, which another loop waits for."""

    def __init__(self, work: Coroutine[Any, Any, T], caller: asyncio.AbstractEventLoop) -> None:
        self._work, self._caller = work, caller
        self.outcome: asyncio.Future[T] = caller.create_future()
        """On the loop of the caller."""
        self._task: asyncio.Task[None] | None = None
        self._is_begun = False

    # On the loop that works

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin the work."""
        self._task = loop.create_task(self._carried_out())

    def cancel(self) -> None:
        """The caller waits no more."""
        if self._task is not None:
            self._task.cancel()
        if not self._is_begun:
            self._work.close()  # the task ends without it

    async def _carried_out(self) -> None:
        # Told here and not by a callback of the task, which the loop would call in its next round only.
        self._is_begun = True
        try:
            result = await self._work
        except asyncio.CancelledError:
            self._tell(self.outcome.cancel)
            raise
        except BaseException as error:  # noqa: BLE001 - raised where the work was asked for
            self._tell(self._fail, error)
        else:
            self._tell(self._succeed, result)

    def _tell(self, end: Callable[..., object], *outcome: object) -> None:
        with suppress(RuntimeError):  # the loop of the caller was closed: nobody waits
            self._caller.call_soon_threadsafe(end, *outcome)

    # On the loop of the caller

    def _fail(self, error: BaseException) -> None:
        if not self.outcome.done():
            self.outcome.set_exception(error)

    def _succeed(self, result: T) -> None:
        if not self.outcome.done():
            self.outcome.set_result(result)
