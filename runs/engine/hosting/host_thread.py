"""A run host with its own event loop and thread, for commands that are not servers."""

import asyncio
import threading
from types import TracebackType
from typing import Self

from runs.engine.hosting.host import RunHost


class HostThread:
    """Hosts runs beside the calling thread inside a `with` block; drains at its end."""

    def __init__(self, host: RunHost) -> None:
        self.host = host
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="agentsite-runs", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._loop.call_soon_threadsafe(self.host.start, self._loop)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        asyncio.run_coroutine_threadsafe(self.host.drain(), self._loop).result(self.host.timings.drain_limit_s * 2)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
