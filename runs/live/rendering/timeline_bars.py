"""The rows of a run's timeline, and where their bars are on its time axis."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from runs.live.rendering.formatting import duration_text
from runs.live.rendering.time_axis import WIDTH, Cut, TimeAxis

NARROWEST: Final = 3.0
"""Minimum width of a bar, so that it stays visible."""

BarSpan = tuple[str, str, float, float | None]
"""Tone, look, start and end of a piece, in seconds since the epoch; the end is None if it goes on."""


@dataclass(frozen=True, slots=True)
class TimelineBar:
    """One piece of a row."""

    tone: str
    """`run`, `ok`, `error`, `you`; empty for what nobody has to look at."""
    look: str
    """`solid`; `dashed` for the wait for a person, `striped` for the wait for an attempt, `open` for what goes on."""
    x: float
    width: float
    grows_from_ms: int = 0
    """Start of a bar that grows by the clock, in milliseconds since the epoch; 0 for others."""


@dataclass(slots=True)
class TimelineRow:
    """A turn, a tool call or a lane of a race."""

    label: str
    sequence: int
    """The step that tells more; 0 if there is none yet."""
    turn: int = 0
    """The number of the turn, on the row of a turn."""
    is_code: bool = False
    about: str = ""
    """The state, for readers who do not see the bars."""
    spans: list[BarSpan] = field(default_factory=list)
    took_s: float | None = None
    bars: list[TimelineBar] = field(default_factory=list)
    cuts: list[Cut] = field(default_factory=list)
    """The idle times that end before this row begins, and after those above it."""

    @property
    def words(self) -> str:
        """How long it took; empty while it goes on."""
        return "" if self.took_s is None else duration_text(self.took_s)


def place(rows: Sequence[TimelineRow], axis: TimeAxis, *, since: float, now: float) -> None:
    """Give the rows their bars, and the cuts of the axis after `since` to the first row after each. Open bars go on
    until `now`."""
    cuts = [cut for cut in axis.cuts if cut.end > since]
    for row in rows:
        row.bars = [bar for span in row.spans if (bar := _bar(span, axis, now)) is not None]
        begun = min((start for _tone, _look, start, _end in row.spans), default=None)
        while begun is not None and cuts and cuts[0].end <= begun + 0.001:
            row.cuts.append(cuts.pop(0))


def _bar(span: BarSpan, axis: TimeAxis, now: float) -> TimelineBar | None:
    tone, look, start, end = span
    over = now if end is None else end
    if start > axis.end or over < axis.start:
        return None
    x = axis.x(start)
    width = max(axis.x(over) - x, NARROWEST)
    # An open bar grows evenly, which it does not across a cut.
    grows = end is None and start >= max((cut.end for cut in axis.cuts), default=axis.start)
    x = min(x, WIDTH - NARROWEST)
    return TimelineBar(tone, look, round(x, 1), round(width, 1), round(start * 1000) if grows else 0)
