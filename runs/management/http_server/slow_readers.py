"""Slow readers: connections that are not read are closed, and the memory of all of them is limited."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final
from weakref import WeakKeyDictionary

from runs.management.http_server.transports import CountedTransport
from runs.management.malloc_tuning import give_memory_back

LOOK_EVERY_S: Final = 0.5

LEAST_TAKEN: Final = 16 * 1024
"""Bytes a reader with pending data has to take within the limit; slower than 270 bytes a second is no reader."""

MAX_HELD: Final = 12 * 1024 * 1024
"""Bytes pending for all readers together. Beyond it the slowest are closed before their limit."""

SLOW_AFTER_S: Final = 1.0
"""How long a reader is observed before it can count as slow."""

MUCH_HELD: Final = 2 * 1024 * 1024
"""Bytes; after a peak above it, freed memory is returned to the system."""

MANY_OPEN: Final = 40
"""Connections; after a peak above it, too."""

GIVE_BACK_AFTER_S: Final = (0.0, 5.0, 20.0)
"""A page is rendered to its end though its reader has left, and what waits for a slot comes after it."""

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class ReadProgress:
    """The progress of a reader at one moment."""

    taken: int
    due: int
    """`taken` once everything pending at that moment has been read."""
    at: float


def taken_by(connection: CountedTransport) -> int:
    """Bytes acknowledged by the client since the connection began."""
    return connection.written - connection.on_the_way


class SlowReaders:
    """Checks the connections of a server twice a second."""

    def __init__(self, connections: Callable[[], Iterable[CountedTransport]], limit_s: float) -> None:
        """`limit_s`: how long a reader with pending data may make almost no progress."""
        self._connections = connections
        self._limit_s = limit_s
        self._seen: WeakKeyDictionary[CountedTransport, ReadProgress] = WeakKeyDictionary()
        self._held = 0
        self._most_held = 0
        self._open = 0
        self._most_open = 0

    async def watch(self) -> None:
        """Check until cancelled. When most of the pending bytes, or of the connections, have gone, return memory to the
        system, at once and when what they had asked for has ended too."""
        loop = asyncio.get_running_loop()
        due: list[float] = []
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                closed = self.look(loop.time())
            except Exception:  # A failed check must not end the checks.
                logger.exception("Could not look for connections that are not read.")
                continue
            if not closed and self._most_are_gone():
                due = [loop.time() + seconds for seconds in GIVE_BACK_AFTER_S]
            if due and loop.time() >= due[0]:
                due.pop(0)
                give_memory_back()

    def _most_are_gone(self) -> bool:
        self._most_held = max(self._most_held, self._held)
        self._most_open = max(self._most_open, self._open)
        much_is_gone = self._most_held > MUCH_HELD and self._held < self._most_held // 4
        many_are_gone = self._most_open > MANY_OPEN and self._open < self._most_open // 4
        if much_is_gone or many_are_gone:
            self._most_held, self._most_open = self._held, self._open
        return much_is_gone or many_are_gone

    def look(self, now: float) -> int:
        """Close connections that are not read, and the slowest while all together hold too much. Returns their
        number."""
        open_ones = [each for each in self._connections() if not each.is_closed]
        self._open = len(open_ones)
        waiting = [each for each in open_ones if self._is_waited_for(each, now)]
        late = [each for each in waiting if now - self._seen[each].at >= self._limit_s]
        others = [each for each in waiting if now - self._seen[each].at < self._limit_s]
        self._held = sum(each.held + each.promised for each in others)
        late += self._slowest(others, self._held - MAX_HELD, now)
        if late:
            dropped = sum(each.held for each in late)
            logger.info("Closing connections that are not read: %d, with %d bytes waiting.", len(late), dropped)
        for each in late:
            each.abortConnection()  # type: ignore[no-untyped-call]
        return len(late)

    def _is_waited_for(self, connection: CountedTransport, now: float) -> bool:
        """True while data is pending. Enough progress, or nothing pending, restarts the measurement."""
        seen = self._seen.get(connection)
        if seen is not None and seen.taken == seen.due == connection.written and not connection.held:
            return False  # Everything had been read, and nothing was sent since: the kernel need not be asked.
        on_the_way = connection.on_the_way
        taken = connection.written - on_the_way
        waits = connection.held + on_the_way
        if not waits or seen is None or taken >= min(seen.due, seen.taken + LEAST_TAKEN):
            self._seen[connection] = ReadProgress(taken, taken + waits, now)
        return bool(waits)

    def _slowest(self, waiting: list[CountedTransport], too_much: int, now: float) -> list[CountedTransport]:
        """The connections with the least bytes per second, as many as needed to free `too_much`."""
        if too_much <= 0:
            return []
        old = [each for each in waiting if now - self._seen[each].at >= SLOW_AFTER_S and each.held]
        chosen = []
        for each in sorted(
            old, key=lambda each: (taken_by(each) - self._seen[each].taken) / (now - self._seen[each].at)
        ):
            if too_much <= 0:
                break
            too_much -= each.held + each.promised
            chosen.append(each)
        return chosen
