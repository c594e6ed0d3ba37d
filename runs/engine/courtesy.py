"""People go first: while somebody waits for a page, the writer lets its next batch wait a moment.

Runs without latency keep the interpreter busy from one commit to the next, and a request needs it a dozen times before
it is answered. Every run waits for its commits, so a short pause before a batch gives the whole process to the request,
and costs little: the next batch is larger by what came meanwhile.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

LONGEST_PAUSE_S = 0.05
"""Before one batch. Beside requests without end there are still twenty batches a second."""

PATIENCE_S = 0.25
"""A request that takes longer than this (a model is being tried, a file is sent) is no reason to wait any more."""


class Courtesy:
    """Who waits for a page in this process."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._guests: dict[object, float] = {}

    @contextmanager
    def guest(self) -> Iterator[None]:
        """Somebody waits for a page, for the length of the block."""
        guest = object()
        with self._changed:
            self._guests[guest] = time.monotonic()
        try:
            yield
        finally:
            with self._changed:
                del self._guests[guest]
                self._changed.notify_all()

    def let_pass(self, longest_s: float = LONGEST_PAUSE_S) -> None:
        """Return when nobody waits who came within `PATIENCE_S`, and after `longest_s` at the latest."""
        if not self._guests:
            return
        until = time.monotonic() + longest_s
        with self._changed:
            while (now := time.monotonic()) < until and self._has_young_guest(now):
                self._changed.wait(until - now)

    def has_guest(self) -> bool:
        """True if somebody waits who came within `PATIENCE_S`."""
        if not self._guests:
            return False
        with self._changed:
            return self._has_young_guest(time.monotonic())

    def _has_young_guest(self, now: float) -> bool:
        return any(now - came_at < PATIENCE_S for came_at in self._guests.values())


COURTESY = Courtesy()
"""This process'."""
