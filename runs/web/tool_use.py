"""How the calls of tools went in the last 30 days: their number, success and duration."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import quantiles
from typing import Any, Final, cast

from django.core.cache import cache
from django.db import connection
from django.db.models import Count, FloatField, Func, QuerySet
from django.utils import timezone

from runs.live.rendering.formatting import percent_text
from runs.models import Run, ToolCall
from runs.models.permissions import may_see_all
from runs.web.count_cache import KEPT_S

RECENT: Final = timedelta(days=30)
SAMPLED: Final = 500
"""The newest calls of a tool whose durations are looked at."""
NEWEST_RUNS: Final = 2_000
"""Of a person who sees their own runs only: the newest runs whose calls are looked at …"""
MOST_CALLS: Final = 20_000
"""… and the most of these calls."""
ENDED: Final = (ToolCall.State.SUCCEEDED, ToolCall.State.FAILED, ToolCall.State.UNKNOWN)
"""The states of calls that were made and have ended. A denied call was not made."""


class Seconds(Func):
    """The time from one moment to another, in seconds; on SQLite in whole milliseconds."""

    arity = 2
    output_field = FloatField()
    template = "EXTRACT(EPOCH FROM (%(expressions)s))"
    arg_joiner = " - "

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, Any]:
        """Without Django's own difference of times, a Python function that is called for each row."""
        template = "((julianday(%(expressions)s)) * 86400.0)"
        return super().as_sql(compiler, connection, template=template, arg_joiner=") - julianday(", **extra)


@dataclass(frozen=True, slots=True)
class ToolUse:
    """The calls of one tool that have ended."""

    succeeded: int = 0
    failed: int = 0
    unknown: int = 0
    """Those whose outcome is unknown."""
    p50_s: float | None = None
    p95_s: float | None = None
    """Of the newest `SAMPLED` calls, in seconds; None without a call."""

    @property
    def calls(self) -> int:
        """All of them."""
        return self.succeeded + self.failed + self.unknown

    @property
    def success(self) -> str:
        """The share of successes for people; empty without calls."""
        return percent_text(self.succeeded, self.calls) if self.calls else ""


MOST_IN_UNION: Final = 200
"""SQLite joins at most 500 queries."""


@dataclass(frozen=True, slots=True)
class ToolUses:
    """The calls of all tools by name; tools without a call are absent."""

    by_name: dict[str, ToolUse] = field(default_factory=dict)
    is_partial: bool = False
    """True if only the calls of the newest `NEWEST_RUNS` runs were counted, and there are more."""

    def of(self, name: str) -> ToolUse:
        """The calls of one tool."""
        return self.by_name.get(name, ToolUse())


def uses_for(user: Any, names: Sequence[str]) -> ToolUses:
    """The calls of the tools in the runs that the user sees, at most `KEPT_S` old."""
    sees_all = may_see_all(user)
    key = f"tool-uses:{'all' if sees_all else user.pk}"
    since = timezone.now() - RECENT
    count = (lambda: _of_everybody(names, since)) if sees_all else (lambda: _of_one(user, since))
    return cast(ToolUses, cache.get_or_set(key, count, KEPT_S))


def ended_calls(user: Any, name: str, most: int) -> list[ToolCall]:
    """The newest calls of a tool that have ended, in the runs that the user sees, each with its run."""
    calls = ToolCall.objects.filter(tool_name=name, state__in=ENDED, ended_at__isnull=False)
    if not may_see_all(user):
        calls = calls.filter(run__in=_newest_runs(user))
    calls = calls.select_related("run").only("state", "arguments", "started_at", "ended_at", "run__task", "tool_name")
    return list(calls.order_by("-ended_at")[:most])


def _newest_runs(user: Any) -> QuerySet[Run, Any]:
    return Run.objects.filter(user=user).order_by("-created_at", "-id").values("pk")[:NEWEST_RUNS]


def _of_everybody(names: Sequence[str], since: datetime) -> ToolUses:
    """In two queries, which read an index only."""
    calls = ToolCall.objects.filter(ended_at__gte=since, state__in=ENDED).order_by()
    rows = calls.filter(tool_name__in=names).values_list("tool_name", "state").annotate(calls=Count("*"))
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for name, state, number in rows:
        counts[name][state] = number
    durations = _newest_durations(calls, counts)
    return ToolUses({name: _use(count, durations.get(name, [])) for name, count in counts.items()})


def _newest_durations(calls: QuerySet[ToolCall], names: Iterable[str]) -> dict[str, list[float]]:
    """The durations of the newest calls of each tool."""
    every, durations = list(names), defaultdict[str, list[float]](list)
    for start in range(0, len(every), MOST_IN_UNION):
        for name, took_s in _durations(calls, every[start : start + MOST_IN_UNION]):
            durations[name].append(took_s)
    return durations


def _durations(calls: QuerySet[ToolCall], names: Sequence[str]) -> list[tuple[str, float]]:
    parts: list[str] = []
    given: list[Any] = []
    for number, name in enumerate(names):
        newest = calls.filter(tool_name=name).order_by("-ended_at")
        rows = newest.values_list("tool_name", Seconds("ended_at", "started_at"))[:SAMPLED]
        sql, values = rows.query.sql_with_params()
        # SQLite takes a limit inside of a union only in a subquery, and Django's union() makes none.
        parts.append(f"SELECT * FROM ({sql}) AS newest_{number}")  # noqa: S608 - made by the ORM, with parameters
        given += values
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), given)  # not translated: SQL
        return [(name, float(took_s)) for name, took_s in cursor.fetchall() if took_s is not None]


def _of_one(user: Any, since: datetime) -> ToolUses:
    """In one query over the calls of the person's newest runs."""
    calls = ToolCall.objects.filter(run__in=_newest_runs(user), ended_at__gte=since, state__in=ENDED)
    rows = list(calls.order_by().values_list("tool_name", "state", Seconds("ended_at", "started_at"))[:MOST_CALLS])
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    durations: dict[str, list[float]] = defaultdict(list)
    for name, state, took_s in rows:
        counts[name][state] += 1
        if took_s is not None:
            durations[name].append(took_s)
    is_partial = len(rows) == MOST_CALLS or _has_more_runs(user, since)
    return ToolUses({name: _use(count, durations[name]) for name, count in counts.items()}, is_partial)


def _has_more_runs(user: Any, since: datetime) -> bool:
    """True if a run of the last 30 days is not among the newest."""
    runs = Run.objects.filter(user=user).order_by("-created_at", "-id")
    return any(at >= since for at in runs.values_list("created_at", flat=True)[NEWEST_RUNS : NEWEST_RUNS + 1])


def _use(count: Counter[str], durations: list[float]) -> ToolUse:
    p50_s, p95_s = _percentiles(durations)
    states = ToolCall.State
    return ToolUse(count[states.SUCCEEDED], count[states.FAILED], count[states.UNKNOWN], p50_s, p95_s)


def _percentiles(durations: list[float]) -> tuple[float | None, float | None]:
    if len(durations) < 2:
        return (durations[0], durations[0]) if durations else (None, None)
    cuts = quantiles(durations, n=20, method="inclusive")
    return cuts[9], cuts[18]
