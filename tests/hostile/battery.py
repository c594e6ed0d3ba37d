"""An attack by many slow readers, and its cost."""

import time
from collections.abc import Iterable
from dataclasses import dataclass

from tests.hostile.others import Others
from tests.hostile.readers import KINDS, Connection, Person
from tests.hostile.site import memory_mib
from tests.live_site import LiveSite

LOOK_EVERY_S = 0.1
REST_LIMIT_S = 90.0

MOST_GROWTH_MIB = 64.0
BACK_WITHIN = 0.2
"""Relative to the memory before the attack, a minute after it."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The cost of an attack. Memory in MiB, times in seconds."""

    kinds: str
    connections: int
    before: float
    peak: float
    after: float
    p99_s: dict[str, float]
    failures: list[str]

    @property
    def growth(self) -> float:
        """The peak memory of the attack."""
        return self.peak - self.before

    @property
    def is_back(self) -> bool:
        """True if the memory was given back."""
        return self.after <= self.before * (1 + BACK_WITHIN)

    def __str__(self) -> str:
        waits = ", ".join(f"{what} {p99:.2f} s" for what, p99 in self.p99_s.items())
        return (
            f"{self.connections} x {self.kinds}: {self.before:.0f} MiB before, +{self.growth:.0f} at most, "
            f"{self.after:.0f} after; others' p99: {waits}; {len(self.failures)} failed"
        )


def warm_up(site: LiveSite, person: Person) -> None:
    """Use everything once, so that one-time loading is not counted as the attack's cost."""
    for connect in KINDS.values():
        connect(site.url, person, 0).leave()
    with Others(site):
        time.sleep(1)


def attack(site: LiveSite, person: Person, kinds: Iterable[str], *, each: int, hold_s: float) -> Figures:
    """Open `each` connections of every kind, repeat their messages for `hold_s`, close, and wait for the memory."""
    kinds = list(kinds)
    before = peak = memory_mib(site)
    with Others(site) as others:
        open_ones = [KINDS[kind](site.url, person, number) for number in range(each) for kind in kinds]
        until = time.monotonic() + hold_s
        while time.monotonic() < until:
            _say_all(open_ones)
            peak = max(peak, memory_mib(site))
            time.sleep(LOOK_EVERY_S)
    for connection in open_ones:
        connection.leave()
    after = _memory_at_rest(site, before)
    p99_s = {what: others.p99_s(what) for what in others.times}
    return Figures(" + ".join(kinds), each, before, peak, after, p99_s, others.failures)


def _say_all(connections: list[Connection]) -> None:
    for connection in connections:
        if connection.repeats:
            connection.say()


def _memory_at_rest(site: LiveSite, before: float) -> float:
    until = time.monotonic() + REST_LIMIT_S
    while (after := memory_mib(site)) > before * (1 + BACK_WITHIN) and time.monotonic() < until:
        time.sleep(LOOK_EVERY_S)
    return after
