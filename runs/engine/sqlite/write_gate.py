"""A fair queue for SQLite's one write lock, within a process.

SQLite's own busy handler sleeps and retries, and is not fair: beside a saturated writer a short write waited 1.0 s
at the median. This lock is first come, first served, and what people wait for has a queue of its own: a sign-in or a
stop waits for one or two writes of the runs, also while hundreds of them are launched.
"""

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from runs.engine.operations.metrics import GATE_WAIT_S

_request: ContextVar[threading.Event | None] = ContextVar("request", default=None)
"""Set once the request of this context is answered."""


@contextmanager
def request_writes() -> Iterator[None]:
    """Context manager for the duration of a page request: its writes take the queue of the requests, in all threads
    that work in its context, and in what it starts, until it ends."""
    answered = threading.Event()
    _request.set(answered)
    try:
        yield
    finally:
        answered.set()  # Not a reset: the end may come in a copy of the context.


def is_for_request() -> bool:
    """True in the context of a page request that is not answered yet."""
    answered = _request.get()
    return answered is not None and not answered.is_set()


class FairLock:
    """A lock with two queues, each in the order of arrival: requests first, but never two of them in a row before
    others that wait. Not reentrant."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held = False
        self._requests: deque[threading.Event] = deque()
        self._waiting: deque[threading.Event] = deque()
        self._request_was_last = False

    def acquire(self, timeout_s: float, *, for_request: bool = False) -> bool:
        """Wait for the lock; False after `timeout_s`."""
        queue = self._requests if for_request else self._waiting
        with self._lock:
            if not self._held:  # Nobody waits then: `release` hands it on.
                self._held = True
                self._request_was_last = for_request
                return True
            my_turn = threading.Event()
            queue.append(my_turn)
        began = time.monotonic()
        is_mine = my_turn.wait(timeout_s)
        GATE_WAIT_S.observe(time.monotonic() - began)
        if is_mine:
            return True
        with self._lock:
            if my_turn.is_set():  # The lock was granted between the timeout and this line.
                return True
            queue.remove(my_turn)
            return False

    def release(self) -> None:
        """Grant the lock to the next one that waits."""
        with self._lock:
            others_turn = self._request_was_last and self._waiting
            queue = self._requests if self._requests and not others_turn else self._waiting
            if queue:
                self._request_was_last = queue is self._requests
                queue.popleft().set()
            else:
                self._held = False


_gates: dict[str, FairLock] = {}
_gates_lock = threading.Lock()


def gate_of(database_name: str) -> FairLock:
    """The only gate of a database file in this process."""
    with _gates_lock:
        if database_name not in _gates:
            _gates[database_name] = FairLock()
        return _gates[database_name]
