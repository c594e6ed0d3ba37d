"""The bars by the hour of the home page's figures."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from runs.models import Run

HOURS: Final = 24
BAR_WIDTH, BAR_STEP, CHART_HEIGHT = 3, 4, 36


class ChartBar(NamedTuple):
    """One rectangle of a chart, in its own units."""

    x: int
    y: float
    height: float
    tone: str


def hour_of(at: datetime, now: datetime) -> int:
    """The place of a time among the hours of the day, the oldest first."""
    return max(0, min(HOURS - 1, HOURS - 1 - int((now - at).total_seconds() // 3600)))


def outcome_bars(rows: Iterable[tuple[Any, ...]], now: datetime) -> list[ChartBar]:
    """Runs by hour, with the failed ones at the foot."""
    rows = list(rows)
    all_runs = Counter(hour_of(at, now) for at, _status, _ms, _cost in rows)
    failed = Counter(hour_of(at, now) for at, status, _ms, _cost in rows if status == Run.Status.FAILED)
    highest = max(all_runs.values(), default=0)
    return [*bars_of(all_runs, "ok", highest), *bars_of(failed, "error", highest)]


def share_by_hour(rows: Iterable[tuple[Any, ...]], now: datetime) -> dict[int, float]:
    """The share of successes among the runs that ended in each hour; stopped ones are not counted."""
    rows = [row for row in rows if row[1] != Run.Status.CANCELLED]
    ended = Counter(hour_of(row[0], now) for row in rows)
    succeeded = Counter(hour_of(row[0], now) for row in rows if row[1] == Run.Status.COMPLETED)
    return {hour: succeeded[hour] / count for hour, count in ended.items()}


def median_by_hour(rows: Iterable[tuple[Any, ...]], now: datetime) -> dict[int, float]:
    """The median of the times of the runs that ended in each hour, in milliseconds."""
    times: dict[int, list[int]] = {}
    for at, status, ms, _cost in rows:
        if ms and status != Run.Status.CANCELLED:
            times.setdefault(hour_of(at, now), []).append(ms)
    return {hour: float(sorted(all_ms)[len(all_ms) // 2]) for hour, all_ms in times.items()}


def sum_by_hour(rows: Iterable[tuple[Any, ...]], now: datetime) -> dict[int, float]:
    """The cost of the runs that ended in each hour, in US dollars."""
    sums: dict[int, Decimal] = {}
    for at, _status, _ms, cost in rows:
        sums[hour_of(at, now)] = sums.get(hour_of(at, now), Decimal(0)) + (cost or 0)
    return {hour: float(cost) for hour, cost in sums.items()}


def bars_of(by_hour: dict[int, Any], tone: str, highest: float | None = None) -> list[ChartBar]:
    """A bar for each hour, as high as its share of `highest`, by default the highest value."""
    top = highest or max(by_hour.values(), default=0)
    if not top:
        return []
    heights = {hour: max(1.0, round(CHART_HEIGHT * value / top, 1)) for hour, value in by_hour.items() if value}
    return [ChartBar(hour * BAR_STEP, CHART_HEIGHT - height, height, tone) for hour, height in sorted(heights.items())]
