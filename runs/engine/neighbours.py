"""What the other hosts have to do, so that they share it: hints over the doorbell, and nothing that may not be lost.

A wake-up comes to whichever worker is faster, which says nothing about who has room. One that has more to do than
another passes it on; if it gets lost on the way, a sweep finds the run.
"""

import asyncio
import math
import time
from dataclasses import dataclass
from typing import Protocol

from runs import doorbell

TELL_EVERY_S = 0.1
"""At most so often, when something has changed."""
TELL_ALWAYS_EVERY_S = 1.0
FORGET_AFTER_S = 3.0
"""A host that is not heard of is taken for gone."""
SLACK = 0.05
"""Differences a pass would not be worth: a twentieth of what this host has to do, and always one run."""


class Neighbour(Protocol):
    """What is told of this host."""

    id: str

    @property
    def hosted(self) -> int:
        """Runs hosted now."""

    @property
    def room(self) -> int:
        """Runs it can still take."""


@dataclass(slots=True)
class _Load:
    hosted: int
    room: int
    heard_at: float


class Neighbours:
    """The hosts this one has heard of. Belongs to its loop."""

    def __init__(self, host: Neighbour) -> None:
        self._host = host
        self._loads: dict[str, _Load] = {}

    async def tell_for_ever(self) -> None:
        """Tell the others how much this host has to do."""
        told, told_at = (-1, -1), 0.0
        while True:
            now, load = time.monotonic(), (self._host.hosted, self._host.room)
            if load != told or now - told_at >= TELL_ALWAYS_EVERY_S:
                await doorbell.tell_hosts(self._host.id, *load)
                told, told_at = load, now
            await asyncio.sleep(TELL_EVERY_S)

    async def listen_for_ever(self) -> None:
        """Hear the same of the others."""
        async for message in doorbell.messages(doorbell.HOSTS_GROUP):
            if message["host"] != self._host.id:
                self._loads[message["host"]] = _Load(message["hosted"], message["room"], time.monotonic())

    def better_for_one_more(self) -> str | None:
        """The host a new run should go to instead of this one; None if it should stay. Counts it there."""
        able = [(load.hosted, host_id) for host_id, load in self._alive().items() if load.room > 0]
        if not able:
            return None
        hosted, host_id = min(able)
        mine = self._host.hosted
        if self._host.room > 0 and mine - hosted <= max(1, mine * SLACK):
            return None
        load = self._loads[host_id]
        load.hosted, load.room = load.hosted + 1, load.room - 1
        return host_id

    def share_of(self, found: int) -> int:
        """How many of so many runs that wait for a host are this one's, if all that have room take theirs."""
        able = [load.hosted for load in self._alive().values() if load.room > 0]
        together = self._host.hosted + sum(able) + found
        return max(0, math.ceil(together / (len(able) + 1)) - self._host.hosted)

    def _alive(self) -> dict[str, _Load]:
        now = time.monotonic()
        self._loads = {name: load for name, load in self._loads.items() if now - load.heard_at < FORGET_AFTER_S}
        return self._loads
