"""The figures of many rules now: one query for each window, and for durations one for each way to group the runs."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, F, Min, OuterRef, Q, QuerySet, Subquery, Sum, Window
from django.db.models.functions import Coalesce, RowNumber

from runs.engine.alert_rules.measures import (
    LABEL_GONE,
    NOTHING_KNOWN,
    PERCENTILE_DENOMINATOR,
    PERCENTILE_NUMERATOR,
    Measure,
    RunSums,
    failure_rate,
    longest_wait,
    midnight,
    p95_duration,
    total_cost,
)
from runs.engine.alert_rules.run_scopes import ANY, RunScope, scopes_of
from runs.models import AlertRule, Run, Step
from runs.models.permissions import may_see_all
from runs.models.run import COST_UNKNOWN

_STATUS: Final = Run.Status
_RATED: Final = (_STATUS.COMPLETED, _STATUS.FAILED)
_WIDE: Final = ("user", "agent")
"""The columns of most rules."""


_Scoped = tuple[AlertRule, RunScope]


def measures_of(rules: Iterable[AlertRule], now: datetime) -> dict[UUID, Measure]:
    """The figure of each rule at `now`, by the rule's id. Reads `user` of the rules."""
    rules, found = list(rules), dict[UUID, Measure]()
    by_source: dict[tuple[Any, ...], list[_Scoped]] = defaultdict(list)
    sees_all: dict[int | None, bool] = {None: True}
    scopes = scopes_of(rules)
    for rule in rules:
        scope = scopes[rule.pk]
        if rule.is_for_all and rule.user_id not in sees_all:
            sees_all[rule.user_id] = may_see_all(rule.user)
        if rule.is_for_all and not sees_all[rule.user_id]:
            found[rule.pk] = NOTHING_KNOWN
        elif scope is None:
            found[rule.pk] = LABEL_GONE
        else:
            by_source[_source_of(rule, scope, now)].append((rule, scope))
    for (metric, since, _), together in by_source.items():
        match metric:
            case AlertRule.Metric.P95_DURATION:
                found |= _durations(together, since, now)
            case AlertRule.Metric.WAITING:
                found |= _waits(together, now)
            case AlertRule.Metric.SPEND_TODAY:
                found |= _sums(together, Run.objects.filter(created_at__gte=since, created_at__lte=now))
            case _:
                found |= _sums(together, _ended(since, now))
    return found


def _source_of(rule: AlertRule, scope: RunScope, now: datetime) -> tuple[Any, ...]:
    """Rules of one source are answered by the same query: those that ask for versions and schedules have their own,
    which has more groups."""
    window_began, is_narrow = now - timedelta(seconds=rule.window_s), not set(scope.columns) <= set(_WIDE)
    match rule.metric:
        case AlertRule.Metric.WAITING:
            return AlertRule.Metric.WAITING, None, is_narrow
        case AlertRule.Metric.SPEND_TODAY:
            return AlertRule.Metric.SPEND_TODAY, midnight(now, rule.time_zone), is_narrow
        case AlertRule.Metric.P95_DURATION:
            return AlertRule.Metric.P95_DURATION, window_began, False
    return "sums", window_began, is_narrow


def _ended(since: datetime, now: datetime) -> "QuerySet[Run]":
    return Run.objects.filter(ended_at__gt=since, ended_at__lte=now)


def _of_owners(runs: "QuerySet[Run]", rules: list[_Scoped]) -> "QuerySet[Run]":
    """Only the runs that some rule is over, where that can be said in short."""
    owners = {scope.user for _, scope in rules}
    return runs if ANY in owners or len(owners) > 50 else runs.filter(user__in=owners)


def _columns_of(rules: list[_Scoped]) -> tuple[tuple[str, ...], set[tuple[str, ...]]]:
    """The columns by which runs are grouped, and those that each rule adds groups up by."""
    asked = {scope.columns for _, scope in rules}
    is_narrow = any(set(columns) - set(_WIDE) for columns in asked)
    return (RunScope._fields if is_narrow else _WIDE), asked


def _sums(rules: list[_Scoped], runs: "QuerySet[Run]") -> dict[UUID, Measure]:
    sums: dict[RunScope, RunSums] = {scope: RunSums() for _, scope in rules}
    grouped, asked = _columns_of(rules)
    rows = (
        _of_owners(runs, rules)
        .order_by()
        .values_list(*grouped)
        .annotate(
            completed=Count("status", filter=Q(status=_STATUS.COMPLETED)),
            failed=Count("status", filter=Q(status=_STATUS.FAILED)),
            runs=Count("status"),
            unpriced=Count("status", filter=COST_UNKNOWN),
            total=Sum("cost"),
        )
    )
    for *values, completed, failed, count, unpriced, cost in rows:
        some, group = RunSums(completed, failed, count - completed - failed, unpriced, cost), RunScope(*values)
        for columns in asked:
            if (scope := group.of_columns(columns)) in sums:
                sums[scope].add(some)
    return {rule.pk: _measure(rule, sums[scope]) for rule, scope in rules}


def _measure(rule: AlertRule, sums: RunSums) -> Measure:
    if rule.metric == AlertRule.Metric.FAILURE_RATE:
        return failure_rate(sums, rule.least_runs)
    return total_cost(sums)


def _durations(rules: list[_Scoped], since: datetime, now: datetime) -> dict[UUID, Measure]:
    found: dict[RunScope, tuple[int, int]] = {}
    by_columns: dict[tuple[str, ...], list[_Scoped]] = defaultdict(list)
    for rule, scope in rules:
        by_columns[scope.columns].append((rule, scope))
    for columns, together in by_columns.items():
        runs = _of_owners(_ended(since, now).filter(status__in=_RATED), together)
        for group, active_ms, count in _at_rank(runs, columns):
            found[group] = (active_ms, count)
    measures = {}
    for rule, scope in rules:
        ms, count = found.get(scope, (None, 0))
        measures[rule.pk] = p95_duration(ms, count, rule.least_runs)
    return measures


def _at_rank(runs: "QuerySet[Run]", columns: tuple[str, ...]) -> Iterator[tuple[RunScope, int, int]]:
    """Of each group the time of the run at the nearest rank, and the number of runs."""
    groups: Any = [F(name) for name in columns] or None
    place = Window(RowNumber(), partition_by=groups, order_by="active_ms")
    count = Window(Count("status"), partition_by=groups)
    rank = (F("group_runs") * PERCENTILE_NUMERATOR + PERCENTILE_DENOMINATOR - 1) / PERCENTILE_DENOMINATOR
    ranked = runs.order_by().annotate(place=place, group_runs=count).filter(place=rank)
    for *values, active_ms, runs_of_group in ranked.values_list(*columns, "active_ms", "group_runs"):
        yield RunScope(**dict(zip(columns, values, strict=True))), active_ms, runs_of_group


def _waits(rules: list[_Scoped], now: datetime) -> dict[UUID, Measure]:
    """A run waits since its last step: nothing happens to it meanwhile."""
    last = Step.objects.filter(run=OuterRef("pk"), sequence=OuterRef("next_sequence") - 1)
    since = Subquery(last.values(at=Coalesce("ended_at", "started_at"))[:1])
    waiting = Run.objects.unfinished().filter(
        status=_STATUS.WAITING, waiting_for__in=Run.ASKING, cancel_requested_at__isnull=True
    )
    grouped, asked = _columns_of(rules)
    rows = (
        _of_owners(waiting, rules)
        .order_by()
        .annotate(since=since)
        .values_list(*grouped)
        .annotate(first=Min("since"), count=Count("status"))
    )
    counts: dict[RunScope, int] = defaultdict(int)
    firsts: dict[RunScope, datetime] = {}
    for *values, first, count in rows:
        group = RunScope(*values)
        for scope in {group.of_columns(columns) for columns in asked}:
            counts[scope] += count
            if first is not None:
                firsts[scope] = min(first, firsts.get(scope, first))
    return {rule.pk: longest_wait(firsts.get(scope), counts[scope], now) for rule, scope in rules}
