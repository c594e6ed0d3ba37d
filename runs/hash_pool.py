"""The hash pool: few threads that hash passwords, with a short queue.

One Argon2 hash takes 19 MiB and a core for some 25 ms, and anybody with the sign-in page may cause it. In the threads
of requests hundreds would run at once. Two threads also keep the memory in two arenas of the allocator.
"""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

from runs.client_address import current_client, network_of

T = TypeVar("T")

AT_ONCE: Final = 2
MOST_WAITING: Final = 16
MOST_WAITING_OF_CLIENT: Final = 8
"""The limit for one address, so that other addresses have room."""
LONGEST_S: Final = 20.0
"""For a whole queue on a busy machine."""


class HashBusy(Exception):
    """Too many passwords are being hashed. The same request succeeds a moment later."""

    def __init__(self) -> None:
        super().__init__("Too many people are signing in at this moment.")


class HashPool:
    """At most `AT_ONCE` hashes at a time, and `MOST_WAITING` in the queue."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="agentsite-hash")
        self._lock = threading.Lock()
        self._pending: Counter[str] = Counter()
        self._here = threading.local()

    def run(self, work: Callable[[], T]) -> T:
        """What `work` returns, run in one of the threads. Raises `HashBusy`, and what `work` raises."""
        if getattr(self._here, "is_of_pool", False):
            return work()  # A hasher that calls another one.
        client = network_of(current_client())
        self._enter(client)
        try:
            future: Future[T] = self._threads.submit(self._mark_and_run, work)
        except BaseException:
            self._leave(client)
            raise
        future.add_done_callback(lambda _: self._leave(client))
        try:
            return future.result(LONGEST_S)
        except TimeoutError as error:
            future.cancel()
            raise HashBusy from error

    def _mark_and_run(self, work: Callable[[], T]) -> T:
        self._here.is_of_pool = True
        return work()

    def _enter(self, client: str) -> None:
        with self._lock:
            is_full = self._pending.total() >= AT_ONCE + MOST_WAITING
            # Commands and the host have no client address.
            if is_full or (client and self._pending[client] >= AT_ONCE + MOST_WAITING_OF_CLIENT):
                raise HashBusy
            self._pending[client] += 1

    def _leave(self, client: str) -> None:
        with self._lock:
            self._pending[client] -= 1
            if not self._pending[client]:
                del self._pending[client]


POOL: Final = HashPool()
"""The pool of this process."""
