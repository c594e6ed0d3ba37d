"""Writer status: whether this process's writer is at a standstill, since when and why."""

import logging
import threading
import time

from runs.database_outages import SLOW, Outage, outage_of

logger = logging.getLogger(__name__)

LONG_S = 2.0
"""A longer transaction is a standstill; usually it takes about 20 ms."""
SAY_AGAIN_AFTER_S = 600.0
"""How often the log repeats an unchanged outage: the log may be on the disk that is full."""
SEEN_FOR_S = 15.0
"""How long the result of a probe counts."""


class Standstill:
    """Updated by the writer at each attempt, and by write probes. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since: float | None = None
        self._outage: Outage | None = None
        self._said_at = 0.0
        self._seen: Outage | None = None
        self._seen_at = 0.0

    def now(self) -> Outage | None:
        """The outage that keeps this process from writing now; None if writes work."""
        now = time.monotonic()
        with self._lock:
            is_seen = self._seen if now - self._seen_at < SEEN_FOR_S else None
            if self._since is None or (self._outage is None and now - self._since < LONG_S):
                return is_seen
            return self._outage or is_seen or SLOW

    def see(self, outage: Outage | None) -> None:
        """Note the result of a write probe; None for success."""
        with self._lock:
            self._seen, self._seen_at = outage, time.monotonic()

    def begin(self) -> None:
        """Note that the writer begins a transaction."""
        with self._lock:
            self._since = time.monotonic()

    def fail(self, error: Exception) -> None:
        """Note a failed attempt that will be retried. Each reason is logged once, and then rarely."""
        outage = outage_of(error) or SLOW
        now = time.monotonic()
        with self._lock:
            is_told = outage == self._outage and now - self._said_at < SAY_AGAIN_AFTER_S
            self._outage = outage
            if is_told:
                return
            self._said_at = now
        logger.warning("%s Trying again until it can be. (%s) %s", outage.what, error, outage.do)

    def end(self, *, is_written: bool) -> None:
        """Note that the writer has committed, or given up."""
        with self._lock:
            since, outage, self._since, self._outage = self._since, self._outage, None, None
        if is_written and outage is not None and since is not None:
            logger.warning("The database can be written again, after %.0f s.", time.monotonic() - since)


STANDSTILL = Standstill()
"""The status of this process."""
