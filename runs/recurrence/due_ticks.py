"""The ticks of a schedule that are due: which of them launch, and which were missed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import Final

from runs.recurrence.cron import Recurrence
from runs.recurrence.jitter import jitter_of

ON_TIME: Final = timedelta(minutes=10)
"""The last tick that is due still launches within that time, whatever is to become of missed ticks: so long may a
minute with thousands of ticks take."""
MOST_COUNTED: Final = 1000
"""Missed ticks are counted up to that."""
MOST_CAUGHT_UP: Final = 100


class CatchUp(StrEnum):
    """What becomes of the ticks that were missed while no process looked."""

    NONE = "none"
    LATEST = "latest"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """When a schedule has ticks."""

    recurrence: Recurrence
    key: str
    """Of the schedule, for its jitter."""
    jitter_s: int = 0
    ends_at: datetime | None = None
    """No tick is due after it."""
    catch_up: CatchUp = CatchUp.LATEST
    most_caught_up: int = 1
    """With `CatchUp.ALL` the most ticks that launch together, the last ones."""

    def after(self, moment: datetime) -> datetime | None:
        """The first tick after `moment`; None if there is none."""
        tick = self.recurrence.after(moment)
        return None if tick is None or (self.ends_at is not None and tick > self.ends_at) else tick

    def next_ticks(self, moment: datetime, count: int) -> list[datetime]:
        """The first ticks after `moment`."""
        found = islice(self.recurrence.times_after(moment), count)
        return [tick for tick in found if self.ends_at is None or tick <= self.ends_at]

    def launch_at(self, tick: datetime) -> datetime:
        """When the tick launches: its time with the jitter."""
        if not self.jitter_s:
            return tick
        following = self.recurrence.after(tick)
        return tick + jitter_of(self.key, tick, most_s=self.jitter_s, following=following)


@dataclass(frozen=True, slots=True)
class MissedTicks:
    """Ticks one after the other that launch nothing."""

    first: datetime
    last: datetime
    count: int
    """At most `MOST_COUNTED`: then there may be more."""


@dataclass(frozen=True, slots=True)
class DueTicks:
    """What is to be done at one moment."""

    missed: MissedTicks | None
    launched: tuple[datetime, ...]
    """In their order, all later than the missed ones."""
    next_tick: datetime | None
    """The first tick that is not due yet; None if there is none any more."""


def due_ticks(timing: Timing, first: datetime, now: datetime) -> DueTicks:
    """The ticks from `first`, the first one that nothing was done about, up to `now`.

    The last one launches if it is at most `ON_TIME` late. All others, and a later one, were missed: with
    `CatchUp.NONE` none of them launches, with `LATEST` the last tick does, with `ALL` the last `most_caught_up`.
    """
    until = now if timing.ends_at is None else min(now, timing.ends_at)
    most = min(timing.most_caught_up, MOST_CAUGHT_UP) if timing.catch_up is CatchUp.ALL else 1
    # One more than launches: it is the last missed one, or the last tick of all still has to wait for its jitter.
    latest = timing.recurrence.latest(first, until, most + 2)
    if latest and timing.launch_at(latest[-1]) > now:
        next_tick: datetime | None = latest.pop()
    else:
        next_tick = timing.after(latest[-1] if latest else first - timedelta(seconds=1))
    if not latest:
        return DueTicks(None, (), next_tick)
    launched = latest[-most:]
    if timing.catch_up is CatchUp.NONE and now - timing.launch_at(latest[-1]) > ON_TIME:
        launched = []
    before = latest[: len(latest) - len(launched)]
    return DueTicks(_missed(timing, first, before), tuple(launched), next_tick)


def _missed(timing: Timing, first: datetime, before: list[datetime]) -> MissedTicks | None:
    """The ticks from `first` to the last of `before`."""
    if not before:
        return None
    count = 1
    for tick in islice(timing.recurrence.times_after(first), MOST_COUNTED - 1):
        if tick > before[-1]:
            break
        count += 1
    return MissedTicks(first, before[-1], count)
