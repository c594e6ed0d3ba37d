"""Which connections are closed as slow readers, and which are not."""

from dataclasses import dataclass
from typing import Any

import pytest

from runs.management.http_server.slow_readers import LEAST_TAKEN, MAX_HELD, SLOW_AFTER_S, SlowReaders

LIMIT_S = 60.0


@dataclass(eq=False)
class Connection:
    """A connection with the figures of `CountedTransport`."""

    held: int = 0
    on_the_way: int = 0
    taken: int = 0
    promised: int = 0
    is_closed: bool = False

    @property
    def written(self) -> int:
        return self.taken + self.on_the_way

    def abortConnection(self) -> None:  # noqa: N802  Twisted's name
        self.is_closed = True


def readers_of(*connections: Connection) -> SlowReaders:
    """`SlowReaders` for these connections, which are no real sockets."""
    shown: Any = connections
    return SlowReaders(lambda: shown, LIMIT_S)


def look(readers: SlowReaders, seconds: range | list[float]) -> int:
    """The number of closed connections."""
    return sum(readers.look(float(now)) for now in seconds)


def test_one_that_takes_nothing_is_closed_when_its_time_is_up() -> None:
    unread, idle = Connection(held=1, on_the_way=50_000), Connection()
    readers = readers_of(unread, idle)

    assert look(readers, range(60)) == 0
    assert look(readers, [61.0]) == 1
    assert (unread.is_closed, idle.is_closed) == (True, False)


def test_one_that_takes_a_little_of_much_is_closed_too() -> None:
    dripping = Connection(on_the_way=1_000_000)
    readers = readers_of(dripping)

    for second in range(62):
        dripping.taken = second * (LEAST_TAKEN // 64)
        readers.look(float(second))

    assert dripping.is_closed


def test_one_that_takes_all_there_is_stays_though_something_new_is_always_on_its_way() -> None:
    far_away = Connection(on_the_way=120)
    readers = readers_of(far_away)

    for half_second in range(1_000):
        far_away.taken = 120 * half_second
        readers.look(half_second / 2)

    assert not far_away.is_closed


@pytest.mark.parametrize("kind", ["held", "promised"])
def test_when_all_hold_too_much_the_slowest_go_long_before_their_time(kind: str) -> None:
    fast, slow = Connection(held=1), Connection(held=1)
    setattr(slow, kind, MAX_HELD)
    setattr(fast, kind, MAX_HELD // 2)
    readers = readers_of(fast, slow)
    readers.look(0.0)

    fast.taken = LEAST_TAKEN // 2

    assert readers.look(SLOW_AFTER_S) == 1
    assert (fast.is_closed, slow.is_closed) == (False, True)
