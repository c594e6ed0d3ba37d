"""The figure of a rule in the past: what it would have been, from the runs of the last days, and what it would have
raised.

By the same formulas and the same levels as an evaluation, at regular times. The runs are read once.
"""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from django.db.models import Case, Q, Value, When

from runs.engine.alert_rules.levels import Standing, Thresholds, standing_after
from runs.engine.alert_rules.measures import (
    Measure,
    RunSums,
    failure_rate,
    midnight,
    nearest_rank,
    p95_duration,
    total_cost,
)
from runs.engine.alert_rules.run_scopes import scopes_of
from runs.models import AlertRule, Run
from runs.models.alert import AlertLevel
from runs.models.run import COST_UNKNOWN

LOOKED_BACK: Final = timedelta(days=7)
STEP: Final = timedelta(minutes=5)
"""Between two evaluations of a trial."""
MOST_RUNS: Final = 20_000
"""The newest runs that a trial reads: with more of them it looks back less far."""


class EndedRun(NamedTuple):
    """What a trial knows of a run that has ended."""

    ended_at: datetime
    created_at: datetime
    status: str
    active_ms: int
    cost: Decimal | None
    is_unpriced: bool


class PastPoint(NamedTuple):
    """A rule at one time of the past."""

    at: datetime
    value: Decimal | None
    level: AlertLevel


@dataclass(frozen=True, slots=True)
class PastTrial:
    """A rule over the last days."""

    points: Sequence[PastPoint]
    """At every `STEP`, the oldest first; empty if the past of the metric is not known."""
    since: datetime
    """How far the trial looks back."""

    @property
    def is_known(self) -> bool:
        """False if the past of the metric is not known."""
        return bool(self.points)

    def raised(self, level: AlertLevel) -> int:
        """How often the rule would have risen to that level or above it."""
        before, count = AlertLevel.OK, 0
        for point in self.points:
            if point.level is AlertLevel.NO_DATA:
                continue
            count += point.level.rank >= level.rank > before.rank
            before = point.level
        return count


def past_trial(rule: AlertRule, thresholds: Thresholds, now: datetime) -> PastTrial:
    """What the rule would have been over the last `LOOKED_BACK`. It need not be stored. One query, with a label two."""
    since = now - LOOKED_BACK
    if rule.metric == AlertRule.Metric.WAITING:
        return PastTrial([], since)  # How long a run waited is not kept after its wait.
    reach = timedelta(seconds=rule.window_s) if rule.is_windowed else timedelta(days=2)
    runs = _runs(rule, since - reach, now)
    if len(runs) >= MOST_RUNS:
        since = max(since, min(now, runs[0].ended_at + reach))
    points, standing = [], Standing()
    for at, measure in _measures(rule, runs, _times(since, now)):
        standing = standing_after(standing, measure.value, thresholds)
        points.append(PastPoint(at, measure.value, standing.level))
    return PastTrial(points, since)


def _times(since: datetime, now: datetime) -> list[datetime]:
    steps = int((now - since) / STEP)
    return [now - STEP * back for back in range(steps, -1, -1)]


def _runs(rule: AlertRule, since: datetime, now: datetime) -> list[EndedRun]:
    """The newest runs of the rule, the oldest of them first."""
    scope = scopes_of([rule])[rule.pk]
    if scope is None:
        return []
    found = Run.objects.filter(ended_at__gt=since, ended_at__lte=now, status__in=Run.FINAL)
    found = found.filter(**{name: getattr(scope, name) for name in scope.columns})
    if rule.metric in AlertRule.NEEDS_RUNS:
        found = found.exclude(status=Run.Status.CANCELLED)
    is_unpriced = Case(When(Q(COST_UNKNOWN), then=Value(True)), default=Value(False))
    columns = ("ended_at", "created_at", "status", "active_ms", "cost", is_unpriced)
    rows = found.order_by("-ended_at").values_list(*columns)[:MOST_RUNS]
    return [EndedRun(*row) for row in reversed(list(rows))]


def _measures(
    rule: AlertRule, runs: Sequence[EndedRun], times: Iterable[datetime]
) -> Iterator[tuple[datetime, Measure]]:
    match rule.metric:
        case AlertRule.Metric.SPEND_TODAY:
            return _days(rule, runs, times)
        case AlertRule.Metric.P95_DURATION:
            return _durations(rule, runs, times)
    return _sums(rule, runs, times)


class _Sliding:
    """The runs of a window that moves on: those that have come into it, and those that have left it."""

    def __init__(self, runs: Sequence[EndedRun], window: timedelta) -> None:
        self._coming = deque(runs)
        self._inside: deque[EndedRun] = deque()
        self._window = window

    def move_to(self, at: datetime) -> tuple[list[EndedRun], list[EndedRun]]:
        """End the window at `at`. Returns what has come in and what has left."""
        come, left = [], []
        while self._coming and self._coming[0].ended_at <= at:
            come.append(self._coming.popleft())
        self._inside += come
        while self._inside and self._inside[0].ended_at <= at - self._window:
            left.append(self._inside.popleft())
        return come, left


class _RunningSums:
    """Sums of runs that are added, and taken away again."""

    def __init__(self) -> None:
        self._sums = RunSums(cost=Decimal(0))
        self._priced = 0

    def count(self, run: EndedRun, sign: int = 1) -> None:
        """Add the run; with a `sign` of -1, take it away."""
        sums = self._sums
        sums.completed += sign * (run.status == Run.Status.COMPLETED)
        sums.failed += sign * (run.status == Run.Status.FAILED)
        sums.cancelled += sign * (run.status == Run.Status.CANCELLED)
        sums.unpriced += sign * run.is_unpriced
        if run.cost is not None:
            self._priced += sign
            sums.cost = (sums.cost or Decimal(0)) + sign * run.cost

    @property
    def sums(self) -> RunSums:
        """The sums now."""
        return self._sums if self._priced else replace(self._sums, cost=None)


def _sums(rule: AlertRule, runs: Sequence[EndedRun], times: Iterable[datetime]) -> Iterator[tuple[datetime, Measure]]:
    sliding, running = _Sliding(runs, timedelta(seconds=rule.window_s)), _RunningSums()
    is_rate = rule.metric == AlertRule.Metric.FAILURE_RATE
    for at in times:
        come, left = sliding.move_to(at)
        for run in come:
            running.count(run)
        for run in left:
            running.count(run, -1)
        yield at, failure_rate(running.sums, rule.least_runs) if is_rate else total_cost(running.sums)


def _durations(
    rule: AlertRule, runs: Sequence[EndedRun], times: Iterable[datetime]
) -> Iterator[tuple[datetime, Measure]]:
    sliding, sorted_ms = _Sliding(runs, timedelta(seconds=rule.window_s)), list[int]()
    for at in times:
        come, left = sliding.move_to(at)
        for run in come:
            insort(sorted_ms, run.active_ms)
        for run in left:
            del sorted_ms[bisect_left(sorted_ms, run.active_ms)]
        count = len(sorted_ms)
        yield at, p95_duration(sorted_ms[nearest_rank(count) - 1] if count else None, count, rule.least_runs)


def _days(rule: AlertRule, runs: Sequence[EndedRun], times: Iterable[datetime]) -> Iterator[tuple[datetime, Measure]]:
    """What was spent since midnight. A run counts from its end here: what it had cost before is not kept."""
    coming, today, begins = deque(runs), _RunningSums(), datetime.min.replace(tzinfo=UTC)
    for at in times:
        if (day := midnight(at, rule.time_zone)) != begins:
            begins, today = day, _RunningSums()
        while coming and coming[0].ended_at <= at:
            run = coming.popleft()
            if run.created_at >= begins:
                today.count(run)
        yield at, total_cost(today.sums)
