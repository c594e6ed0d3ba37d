"""Request priority: while a page request is answered, the writer delays its next batch a moment.

Runs whose models answer at once keep the interpreter busy from one commit to the next, and a request needs it a dozen
times. Every run waits for its commits, so a short pause before a batch gives the whole process to the request, and
costs little: the next batch is larger by the writes that arrive meanwhile.
"""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from runs.engine.sqlite.write_gate import request_writes

LONGEST_PAUSE_S = 0.05
"""Before one batch. Under continuous requests there are still twenty batches a second."""

LOOK_EVERY_S = 0.005
PATIENCE_S = 0.5
"""A longer request (a model is being tested, a file is sent) no longer delays the writer."""


class RequestPriority:
    """The page requests in progress in this process."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._requests: dict[object, float] = {}

    @contextmanager
    def request(self) -> Iterator[None]:
        """Context manager for the duration of a page request, whose writes wait for few others."""
        request = object()
        with self._changed:
            self._requests[request] = time.monotonic()
        try:
            with request_writes():
                yield
        finally:
            with self._changed:
                del self._requests[request]
                self._changed.notify_all()

    def yield_to_requests(self, longest_s: float = LONGEST_PAUSE_S) -> None:
        """Wait until no request is younger than `PATIENCE_S`, `longest_s` at most."""
        if not self._requests:
            return
        until = time.monotonic() + longest_s
        with self._changed:
            while (now := time.monotonic()) < (end := min(until, self._all_old_at())):
                self._changed.wait(end - now)

    async def step_back(self, longest_s: float) -> None:
        """The same on an event loop."""
        until = time.monotonic() + longest_s
        while self.has_request() and time.monotonic() < until:  # noqa: ASYNC110 - requests are those of other loops too
            await asyncio.sleep(LOOK_EVERY_S)

    def has_request(self) -> bool:
        """True if a request younger than `PATIENCE_S` is in progress."""
        if not self._requests:
            return False
        with self._changed:
            return time.monotonic() < self._all_old_at()

    def _all_old_at(self) -> float:
        return max(self._requests.values(), default=-PATIENCE_S) + PATIENCE_S


REQUEST_PRIORITY = RequestPriority()
"""The requests of this process."""
