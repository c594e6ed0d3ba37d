"""The figures of many rules now: one query for each window, and for durations one for each way to group the runs."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, F, Min, OuterRef, Q, QuerySet, Subquery, Sum, Window
from django.db.models.functions import Coalesce, RowNumber

from runs.engine.alert_rules.measures import (
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
from runs.models import AlertRule, Run, Step
from runs.models.permissions import may_see_all
from runs.models.run import COST_UNKNOWN

ANY: Final = -1
"""In a key: of everybody, or with every agent. No primary key is negative."""
RunKey = tuple[int | None, int | None]
"""Whose runs, with which agent."""
_STATUS: Final = Run.Status
_RATED: Final = (_STATUS.COMPLETED, _STATUS.FAILED)


def measures_of(rules: Iterable[AlertRule], now: datetime) -> dict[UUID, Measure]:
    """The figure of each rule at `now`, by the rule's id. Reads `user` of the rules."""
    found: dict[UUID, Measure] = {}
    by_source: dict[tuple[Any, ...], list[AlertRule]] = defaultdict(list)
    sees_all: dict[int | None, bool] = {None: True}
    for rule in rules:
        if rule.is_for_all and rule.user_id not in sees_all:
            sees_all[rule.user_id] = may_see_all(rule.user)
        if rule.is_for_all and not sees_all[rule.user_id]:
            found[rule.pk] = NOTHING_KNOWN
        else:
            by_source[_source_of(rule, now)].append(rule)
    for (metric, since), together in by_source.items():
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


def key_of(rule: AlertRule) -> RunKey:
    """Whose runs the rule is over."""
    return (ANY if rule.is_for_all else rule.user_id, ANY if rule.agent_id is None else rule.agent_id)


def _source_of(rule: AlertRule, now: datetime) -> tuple[Any, ...]:
    """Rules of one source are answered by the same query."""
    window_began = now - timedelta(seconds=rule.window_s)
    match rule.metric:
        case AlertRule.Metric.WAITING:
            return AlertRule.Metric.WAITING, None
        case AlertRule.Metric.SPEND_TODAY:
            return AlertRule.Metric.SPEND_TODAY, midnight(now, rule.time_zone)
        case AlertRule.Metric.P95_DURATION:
            return AlertRule.Metric.P95_DURATION, window_began
    return "sums", window_began


def _ended(since: datetime, now: datetime) -> "QuerySet[Run]":
    return Run.objects.filter(ended_at__gt=since, ended_at__lte=now)


def _of_owners(runs: "QuerySet[Run]", rules: list[AlertRule]) -> "QuerySet[Run]":
    """Only the runs that some rule is over, where that can be said in short."""
    if any(rule.is_for_all for rule in rules):
        return runs
    owners = {rule.user_id for rule in rules}
    return runs.filter(user__in=owners) if len(owners) <= 50 else runs


def _sums(rules: list[AlertRule], runs: "QuerySet[Run]") -> dict[UUID, Measure]:
    sums: dict[RunKey, RunSums] = {key_of(rule): RunSums() for rule in rules}
    rows = (
        _of_owners(runs, rules)
        .order_by()
        .values_list("user", "agent")
        .annotate(
            completed=Count("status", filter=Q(status=_STATUS.COMPLETED)),
            failed=Count("status", filter=Q(status=_STATUS.FAILED)),
            runs=Count("status"),
            unpriced=Count("status", filter=COST_UNKNOWN),
            total=Sum("cost"),
        )
    )
    for user, agent, completed, failed, count, unpriced, cost in rows:
        some = RunSums(completed, failed, count - completed - failed, unpriced, cost)
        for key in {(user, agent), (user, ANY), (ANY, agent), (ANY, ANY)}:
            if key in sums:
                sums[key].add(some)
    return {rule.pk: _measure(rule, sums[key_of(rule)]) for rule in rules}


def _measure(rule: AlertRule, sums: RunSums) -> Measure:
    if rule.metric == AlertRule.Metric.FAILURE_RATE:
        return failure_rate(sums, rule.least_runs)
    return total_cost(sums)


def _durations(rules: list[AlertRule], since: datetime, now: datetime) -> dict[UUID, Measure]:
    found: dict[RunKey, tuple[int, int]] = {}
    by_grouping: dict[tuple[str, ...], list[AlertRule]] = defaultdict(list)
    for rule in rules:
        user, agent = key_of(rule)
        by_grouping[tuple(name for name, of in (("user", user), ("agent", agent)) if of != ANY)].append(rule)
    for grouping, together in by_grouping.items():
        runs = _of_owners(_ended(since, now).filter(status__in=_RATED), together)
        for user, agent, active_ms, count in _at_rank(runs, grouping):
            found[user if "user" in grouping else ANY, agent if "agent" in grouping else ANY] = (active_ms, count)
    measures = {}
    for rule in rules:
        ms, count = found.get(key_of(rule), (None, 0))
        measures[rule.pk] = p95_duration(ms, count, rule.least_runs)
    return measures


def _at_rank(runs: "QuerySet[Run]", grouping: tuple[str, ...]) -> Iterable[tuple[int | None, int | None, int, int]]:
    """Of each group the run at the nearest rank: its user, its agent, its time, and the number of runs."""
    place = Window(RowNumber(), partition_by=[F(name) for name in grouping] or None, order_by="active_ms")
    count = Window(Count("status"), partition_by=[F(name) for name in grouping] or None)
    rank = (F("group_runs") * PERCENTILE_NUMERATOR + PERCENTILE_DENOMINATOR - 1) / PERCENTILE_DENOMINATOR
    ranked = runs.order_by().annotate(place=place, group_runs=count).filter(place=rank)
    return ranked.values_list("user", "agent", "active_ms", "group_runs")


def _waits(rules: list[AlertRule], now: datetime) -> dict[UUID, Measure]:
    """A run waits since its last step: nothing happens to it meanwhile."""
    last = Step.objects.filter(run=OuterRef("pk"), sequence=OuterRef("next_sequence") - 1)
    since = Subquery(last.values(at=Coalesce("ended_at", "started_at"))[:1])
    waiting = Run.objects.unfinished().filter(
        status=_STATUS.WAITING, waiting_for__in=Run.ASKING, cancel_requested_at__isnull=True
    )
    rows = (
        _of_owners(waiting, rules)
        .order_by()
        .annotate(since=since)
        .values_list("user", "agent")
        .annotate(first=Min("since"), count=Count("status"))
    )
    counts: dict[RunKey, int] = defaultdict(int)
    firsts: dict[RunKey, datetime] = {}
    for user, agent, first, count in rows:
        for key in {(user, agent), (user, ANY), (ANY, agent), (ANY, ANY)}:
            counts[key] += count
            if first is not None:
                firsts[key] = min(first, firsts.get(key, first))
    return {rule.pk: longest_wait(firsts.get(key_of(rule)), counts[key_of(rule)], now) for rule in rules}
