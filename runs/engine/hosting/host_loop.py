"""The event loop and the reader thread that a host works on."""

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class HostLoop:
    """Starts the tasks of a host.

    They run in an empty context: one inherited from a request would carry that request's executor, which is closed when
    the response is sent ("CurrentThreadExecutor already quit or is broken").
    """

    def __init__(self) -> None:
        self.context = contextvars.Context()
        """The context for callbacks of the tasks."""
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="agentsite-host")
        self._loop: asyncio.AbstractEventLoop | None = None

    def use(self, loop: asyncio.AbstractEventLoop) -> None:
        """Use `loop` from now on."""
        self._loop = loop

    def call(self, function: Callable[[*Ts], None], *args: *Ts) -> None:
        """Call the function on the loop soon, from any thread. Does nothing if there is no loop, or it is closed."""
        loop = self._loop
        if loop is None or loop.is_closed():
            return
        loop.call_soon_threadsafe(function, *args, context=self.context.copy())

    def spawn(self, coroutine: Coroutine[object, object, None], name: str | None = None) -> asyncio.Task[None]:
        """A task of the loop. Raises `RuntimeError` if there is no loop."""
        return self._running_on().create_task(coroutine, name=name, context=self.context.copy())

    async def read(self, work: Callable[[], T]) -> T:
        """Run `work`, a short query, in the reader thread, on its own connection. Returns its result."""
        return await self._running_on().run_in_executor(self._reader, work)

    def close(self) -> None:
        """End the reader thread."""
        self._reader.shutdown()

    def _running_on(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            raise RuntimeError("The host was not started.")
        return self._loop
