"""Scales of a chart: from values to places on an axis, with round ticks."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

_ROUND: Final = (1, 2, 2.5, 5, 10)
_DAY_S: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear axis from `low` to `high`, drawn from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[float, ...]

    def at(self, value: float) -> float:
        """The place of a value."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def linear_scale(values: Sequence[float], start: float, end: float, *, has_zero: bool, ticks: int = 5) -> Scale:
    """A scale over all values, which begins and ends at a tick. With `has_zero` it includes 0: the length of a bar
    tells its value only from there."""
    low, high = min(values), max(values)
    if has_zero:
        low, high = min(low, 0.0), max(high, 0.0)
    if low == high:
        margin = abs(low) or 1.0
        low, high = low - (0.0 if has_zero and low == 0 else margin), high + margin
    step = _round_step((high - low) / ticks)
    first, last = math.floor(low / step), math.ceil(high / step)
    places = tuple(number * step for number in range(first, last + 1))
    return Scale(places[0], places[-1], start, end, places)


def _round_step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    return next(each * power for each in _ROUND if each * power >= rough * 0.999)


def time_scale(times: Sequence[float], start: float, end: float, *, ticks: int = 6) -> Scale:
    """A scale of seconds since 1970 from the first to the last time, with ticks at times that there are."""
    known = sorted(set(times))
    low, high = known[0], known[-1]
    if low == high:
        low, high = low - _DAY_S, high + _DAY_S
    chosen = known if len(known) <= ticks else [known[round(i * (len(known) - 1) / (ticks - 1))] for i in range(ticks)]
    return Scale(low, high, start, end, tuple(chosen))


def seconds_of(text: str) -> float:
    """Seconds since 1970 of a date or time as DuckDB writes it. Raises `ValueError`."""
    moment = datetime.fromisoformat(text if len(text) < 3 or text[-3] not in "+-" else f"{text}:00")
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def number_text(value: float) -> str:
    """A number for a person: thousands apart, no digits that float arithmetic made up."""
    if value and not 1e-4 <= abs(value) < 1e15:
        return f"{value:.4g}"
    short = f"{value:,.6f}".rstrip("0").rstrip(".")
    return "0" if short == "-0" else short
