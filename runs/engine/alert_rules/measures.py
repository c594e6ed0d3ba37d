"""The figures of alert rules: one function for each formula, from the sums of some runs.

`docs/alerts.md` has the formulas. What is unknown is None and never 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final, Self
from zoneinfo import ZoneInfo

from runs.agent.wording import Wording
from runs.models import AlertRule

PERCENTILE_NUMERATOR, PERCENTILE_DENOMINATOR = 19, 20
"""The 95th percentile: 19 of 20 runs took that long, or less."""
_PLACES: Final = Decimal("0.000001")
"""Of a stored value."""

Metric = AlertRule.Metric


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure at one time, and the numbers behind it."""

    value: Decimal | None
    """Percent, US dollars or seconds, with six decimal places; None if nothing can be said."""
    counts: Mapping[str, int] = field(default_factory=dict)
    """`runs` that were looked at, `failed` ones, `unpriced` ones whose cost is unknown, `waiting` ones; `labels`, which
    is 0, if the label of the agent is gone."""


NOTHING_KNOWN: Final = Measure(None)
LABEL_GONE: Final = Measure(None, {"labels": 0})
"""Of a rule over the runs of a label that points at no version any more."""


@dataclass(slots=True)
class RunSums:
    """Sums over runs that have ended, or of a day."""

    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    unpriced: int = 0
    """Runs whose cost is unknown, or known in part."""
    cost: Decimal | None = None
    """US dollars as far as they are known; None if no cost is."""

    def add(self, other: Self) -> None:
        """Add the sums of other runs."""
        self.completed += other.completed
        self.failed += other.failed
        self.cancelled += other.cancelled
        self.unpriced += other.unpriced
        if other.cost is not None:
            self.cost = other.cost if self.cost is None else self.cost + other.cost

    @property
    def rated(self) -> int:
        """The runs that a rate is taken of: a stopped one is neither a failure nor a success."""
        return self.completed + self.failed


def failure_rate(sums: RunSums, least_runs: int) -> Measure:
    """The percentage of failed runs among the completed and failed ones; None below `least_runs` of them."""
    counts = {"runs": sums.rated, "failed": sums.failed}
    if sums.rated < max(1, least_runs):
        return Measure(None, counts)
    return Measure(_rounded(Decimal(100 * sums.failed) / sums.rated), counts)


def total_cost(sums: RunSums) -> Measure:
    """The known cost: at least so much, if some is unknown. None if none is known of runs that have a cost."""
    counts = {"runs": sums.rated + sums.cancelled, "unpriced": sums.unpriced}
    if sums.cost is None and sums.unpriced:
        return Measure(None, counts)
    return Measure(_rounded(sums.cost or Decimal(0)), counts)


def p95_duration(active_ms: int | None, runs: int, least_runs: int) -> Measure:
    """The time at work, in seconds, of the run at the nearest rank; None below `least_runs`."""
    if active_ms is None or runs < max(1, least_runs):
        return Measure(None, {"runs": runs})
    return Measure(_rounded(Decimal(active_ms) / 1000), {"runs": runs})


def nearest_rank(runs: int) -> int:
    """The place of the 95th percentile among so many sorted values, from 1."""
    return (runs * PERCENTILE_NUMERATOR + PERCENTILE_DENOMINATOR - 1) // PERCENTILE_DENOMINATOR


def longest_wait(waits_since: datetime | None, waiting: int, now: datetime) -> Measure:
    """The seconds that the run waits which waits longest; 0 if none does."""
    if waits_since is None:
        return Measure(Decimal(0), {"waiting": waiting})
    waits_s = max(timedelta(0), now - waits_since) / timedelta(seconds=1)
    return Measure(_rounded(Decimal(waits_s)), {"waiting": waiting})


def midnight(now: datetime, time_zone: str) -> datetime:
    """The beginning of the day that it is in a time zone, in UTC."""
    local = now.astimezone(ZoneInfo(time_zone))
    return local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0).astimezone(UTC)


def reason_of(metric: str, measure: Measure, *, least_runs: int) -> Wording:
    """The numbers behind a value, or behind the lack of one, in a sentence."""
    counts = measure.counts
    if "labels" in counts:
        return Wording("The agent of the rule has lost its label.")
    match metric:
        case Metric.FAILURE_RATE if measure.value is not None:
            return _failures(counts, measure.value)
        case Metric.P95_DURATION if measure.value is not None:
            return _durations(counts["runs"], measure.value)
        case Metric.FAILURE_RATE | Metric.P95_DURATION:
            return _too_few(counts.get("runs", 0), least_runs)
        case Metric.WAITING if measure.value is not None:
            return _waits(counts["waiting"], measure.value)
        case Metric.COST | Metric.SPEND_TODAY if counts:
            return _costs(counts, measure.value)
    return Wording("The account of its owner may not see everybody's runs.")


def _failures(counts: Mapping[str, int], value: Decimal) -> Wording:
    return Wording(
        "%(failed)s of %(count)s run failed (%(share)s %%).",
        plural="%(failed)s of %(count)s runs failed (%(share)s %%).",
        failed=counts["failed"],
        count=counts["runs"],
        share=_plain(value, 1),
    )


def _durations(runs: int, value: Decimal) -> Wording:
    return Wording(
        "95 %% of %(count)s run took at most %(seconds)s s.",
        plural="95 %% of %(count)s runs took at most %(seconds)s s.",
        count=runs,
        seconds=_plain(value, 1),
    )


def _too_few(runs: int, least_runs: int) -> Wording:
    if not runs:
        return Wording("No run has ended in the window.")
    return Wording(
        "%(count)s run has ended in the window; the rule asks for %(least)s.",
        plural="%(count)s runs have ended in the window; the rule asks for %(least)s.",
        count=runs,
        least=least_runs,
    )


def _waits(waiting: int, value: Decimal) -> Wording:
    if not waiting:
        return Wording("No run waits for a person.")
    return Wording(
        "%(count)s run waits for a person, for %(minutes)s min.",
        plural="%(count)s runs wait for a person, the longest for %(minutes)s min.",
        count=waiting,
        minutes=_plain(value / 60, 1),
    )


def _costs(counts: Mapping[str, int], value: Decimal | None) -> Wording:
    runs, unpriced = counts["runs"], counts["unpriced"]
    if value is None:
        return Wording(
            "The cost of %(count)s run is unknown.", plural="The cost of %(count)s runs is unknown.", count=unpriced
        )
    cost = Wording(
        "%(count)s run has cost $%(cost)s.",
        plural="%(count)s runs have cost $%(cost)s.",
        count=runs,
        cost=_plain(value, 4),
    )
    if not unpriced:
        return cost
    more = Wording(
        "That is the least: the cost of %(count)s run is unknown.",
        plural="That is the least: the cost of %(count)s runs is unknown.",
        count=unpriced,
    )
    return Wording.paragraph(cost, more)


def _plain(value: Decimal, places: int) -> float:
    """A value as a sentence has it."""
    return float(round(value, places))


def _rounded(value: Decimal) -> Decimal:
    return value.quantize(_PLACES)
