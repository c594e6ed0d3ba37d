"""Load balancing: hosts tell each other their load over the doorbell; every message may be lost.

A wake-up goes to the fastest worker, which need not have a free slot. A host that has more runs than another passes the
wake-up on; if that gets lost, a sweep finds the run.
"""

import asyncio
import math
import time
from dataclasses import dataclass

from runs import doorbell
from runs.engine.host_timings import DEFAULT_TIMINGS, HostTimings
from runs.engine.queueing.local_host import Host

SLACK = 0.05
"""Relative difference of load that is not worth a pass: a twentieth of this host's runs, and always one run."""


@dataclass(slots=True)
class _Load:
    hosted: int
    room: int
    heard_at: float


class LoadBalancer:
    """The loads of the other hosts. Belongs to the host's loop."""

    def __init__(self, host: Host, timings: HostTimings = DEFAULT_TIMINGS) -> None:
        self._host = host
        self._timings = timings
        self._loads: dict[str, _Load] = {}

    async def tell_for_ever(self) -> None:
        """Tell the other hosts this host's load."""
        told, told_at = (-1, -1), 0.0
        while True:
            now, load = time.monotonic(), (self._host.hosted, self._host.room)
            if load != told or now - told_at >= self._timings.load_told_again_after_s:
                await doorbell.tell_hosts(self._host.id, *load)
                told, told_at = load, now
            await asyncio.sleep(self._timings.load_told_every_s)

    async def listen_for_ever(self) -> None:
        """Receive the loads of the other hosts."""
        async for message in doorbell.messages(doorbell.HOSTS_GROUP):
            if message["host"] != self._host.id:
                self._loads[message["host"]] = _Load(message["hosted"], message["room"], time.monotonic())

    def less_loaded_host(self) -> str | None:
        """The host a new run should go to; None for this one. Counts the run as hosted there."""
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
        """How many of `found` waiting runs this host should take, if all hosts with free slots take their share."""
        able = [load.hosted for load in self._alive().values() if load.room > 0]
        together = self._host.hosted + sum(able) + found
        return max(0, math.ceil(together / (len(able) + 1)) - self._host.hosted)

    def _alive(self) -> dict[str, _Load]:
        since = time.monotonic() - self._timings.load_forgotten_after_s
        self._loads = {name: load for name, load in self._loads.items() if load.heard_at > since}
        return self._loads
