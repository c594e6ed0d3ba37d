"""The axis of a run's timeline: moments to places, with long idle times cut out, and its ticks.

Places are in an SVG 1,000 wide, because the content security policy forbids inline styles.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext

from runs.languages import localized
from runs.live.rendering.formatting import duration_text

WIDTH: Final = 1000
CUT_WIDTH: Final = 28
"""Width of an idle time that was cut out."""
IDLE_SHARE: Final = 0.1
IDLE_LEAST_S: Final = 60.0
"""An idle time is cut out if it is longer than this share of the whole, and than this."""
MOST_TICKS: Final = 6
_NICE: Final = (1, 2, 5)
_NICE_S: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400)

TimeSpan = tuple[float, float]
"""Start and end, in seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Cut:
    """An idle time that the axis leaves out."""

    start: float
    end: float
    told: str = ""
    """How long and why, with `%(span)s` for how long; empty for no known reason."""

    @property
    def words(self) -> str:
        """`14 h 3 min waiting for approval`."""
        return (self.told or gettext("%(span)s idle")) % {"span": duration_text(self.end - self.start)}


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of the axis."""

    x: int
    label: str

    @property
    def percent(self) -> str:
        """The place in per cent of the width, as a number for an attribute."""
        return f"{self.x * 100 / WIDTH:g}"

    @property
    def anchor(self) -> str:
        """Which part of the label is at the place, so that none leaves the axis."""
        return "start" if self.x < WIDTH * 0.03 else "end" if self.x > WIDTH * 0.95 else "middle"


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """The axis from `start` to `end`, in seconds since the epoch."""

    start: float
    end: float
    cuts: tuple[Cut, ...] = ()
    origin: float = 0.0
    """The moment whose tick is 0 s: the start of the run, also where only a part of it is shown."""

    @property
    def shown_s(self) -> float:
        """The seconds that are drawn: without the cuts."""
        return max(self.end - self.start - sum(cut.end - cut.start for cut in self.cuts), 1e-6)

    @property
    def scale(self) -> float:
        """Width of one second."""
        return (WIDTH - CUT_WIDTH * len(self.cuts)) / self.shown_s

    def x(self, moment: float) -> float:
        """The place of a moment; of one outside the axis, its nearer end."""
        at, x = self.start, 0.0
        for cut in self.cuts:
            if moment < cut.start:
                break
            x += (cut.start - at) * self.scale
            x += CUT_WIDTH * min(1.0, (moment - cut.start) / (cut.end - cut.start))
            at = cut.end
        return min(max(x + max(moment - at, 0.0) * self.scale, 0.0), float(WIDTH))

    def moment(self, x: float) -> float:
        """The moment at a place: the inverse of `x`."""
        at, place = self.start, 0.0
        for cut in self.cuts:
            begins = place + (cut.start - at) * self.scale
            if x < begins:
                break
            if x < begins + CUT_WIDTH:
                return cut.start + (x - begins) / CUT_WIDTH * (cut.end - cut.start)
            at, place = cut.end, begins + CUT_WIDTH
        return at + (x - place) / self.scale

    def ticks(self) -> list[Tick]:
        """At most six, at round numbers of seconds since the start of the run, none in a cut."""
        step = next(step for step in _steps() if self._count(step) <= MOST_TICKS)
        return [
            Tick(round(self.x(self.origin + number * step)), tick_text(number * step))
            for first, last in self._numbers(step)
            for number in range(first, last + 1)
        ]

    def _count(self, step: float) -> int:
        return sum(max(0, last - first + 1) for first, last in self._numbers(step))

    def _numbers(self, step: float) -> Iterator[tuple[int, int]]:
        """The first and the last multiple of a step in each stretch between cuts."""
        starts = [self.start, *(cut.end for cut in self.cuts)]
        ends = [*(cut.start for cut in self.cuts), self.end]
        for start, end in zip(starts, ends, strict=True):
            yield math.ceil((start - self.origin) / step - 1e-9), math.floor((end - self.origin) / step - 1e-9)


def idle_spans(busy: Iterable[TimeSpan], start: float, end: float) -> Iterator[TimeSpan]:
    """The times between `start` and `end` in which nothing is busy, if they are long. `busy` is in any order."""
    least, at = max(IDLE_LEAST_S, IDLE_SHARE * (end - start)), start
    for begun, over in sorted(busy):
        if min(begun, end) - at > least:
            yield at, min(begun, end)
        at = max(at, over)
    if end - at > least:
        yield at, end


def tick_text(seconds: float) -> str:
    """`0 s`, `200 ms`, `2 s`, `1:30 min`, `2 h`."""
    if seconds == 0 or 1 <= seconds < 60:
        return gettext("%(n)s s") % {"n": localized(f"{seconds:g}")}
    if seconds < 1:
        return gettext("%(n)s ms") % {"n": localized(f"{seconds * 1000:g}")}
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return gettext("%(n)s min") % {"n": f"{minutes}:{rest:02}" if rest else minutes}
    hours, minutes = divmod(minutes, 60)
    return gettext("%(n)s h") % {"n": f"{hours}:{minutes:02}" if minutes else hours}


def _steps() -> Iterator[float]:
    """Round numbers of seconds, each larger than the one before, without end."""
    yield from (nice * 10.0**power for power in range(-4, 0) for nice in _NICE)
    yield from map(float, _NICE_S)
    days: Sequence[float] = [86400.0 * 2**power for power in range(1, 40)]
    yield from days
