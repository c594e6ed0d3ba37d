"""A fair queue for SQLite's one write lock, within a process.

SQLite's own busy handler sleeps and retries, and is not fair: beside a saturated writer a short write waited 1.0 s
at the median. This lock is first come, first served, so a sign-in waits for one batch of the writer at most.
"""

import threading
import time
from collections import deque

from runs.engine.operations.metrics import GATE_WAIT_S


class FairLock:
    """A lock that is granted in the order of the requests. Not reentrant."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held = False
        self._waiting: deque[threading.Event] = deque()

    def acquire(self, timeout_s: float) -> bool:
        """Wait for the lock; False after `timeout_s`."""
        with self._lock:
            if not self._held and not self._waiting:
                self._held = True
                return True
            my_turn = threading.Event()
            self._waiting.append(my_turn)
        began = time.monotonic()
        is_mine = my_turn.wait(timeout_s)
        GATE_WAIT_S.observe(time.monotonic() - began)
        if is_mine:
            return True
        with self._lock:
            if my_turn.is_set():  # The lock was granted between the timeout and this line.
                return True
            self._waiting.remove(my_turn)
            return False

    def release(self) -> None:
        """Grant the lock to the longest waiter."""
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
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
