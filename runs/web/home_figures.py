"""The figures of the first page: runs, success, time and cost of 24 hours against the day before, and what fails."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import quantiles
from typing import Any, Final, cast
from urllib.parse import urlencode

from django.core.cache import cache
from django.db.models import Case, Count, F, Q, Sum, Value, When
from django.db.models.fields.json import KT
from django.db.models.functions import Left
from django.utils import timezone
from django.utils.translation import get_language, gettext, ngettext

from runs.live.rendering.formatting import percent_text, short_duration_text, sum_text
from runs.live.rendering.stored_words import error_words
from runs.models import Run
from runs.models.permissions import may_see_all
from runs.models.run import FREE, SUCCEEDED, UNPRICED
from runs.web.home_charts import (
    BAR_STEP,
    HOURS,
    ChartBar,
    bars_of,
    median_by_hour,
    outcome_bars,
    share_by_hour,
    sum_by_hour,
)
from runs.web.run_filter import COULD_NOT

DAY: Final = timedelta(hours=24)
KEPT_S: Final = 10
MOST_SAMPLED: Final = 5000
"""The newest finished runs of the day from which times and bars are made."""
MOST_CAUSES: Final = 5
CAUSE_CHARS: Final = 80
"""Characters of an error by which failures are grouped."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure."""

    title: str
    value: str
    note: str
    bars: list[ChartBar] = field(default_factory=list)
    query: str = ""
    """The list of the runs behind it."""

    @property
    def chart_width(self) -> int:
        """The width of the chart in its own units."""
        return HOURS * BAR_STEP


@dataclass(frozen=True, slots=True)
class FailureCause:
    """Failures of one cause."""

    runs: int
    words: str
    last: datetime
    query: str

    @property
    def count_words(self) -> str:
        """The number of runs in words."""
        return ngettext("%(n)s run", "%(n)s runs", self.runs) % {"n": f"{self.runs:,}"}


@dataclass(frozen=True, slots=True)
class Figures:
    """What the first page shows of the last 24 hours."""

    tiles: list[Tile]
    causes: list[FailureCause]
    at: datetime


def figures_for(user: Any) -> Figures:
    """The figures of the runs `user` sees, at most ten seconds old, in the language of the page."""
    key = f"home-figures:{user.pk}:{may_see_all(user):d}:{get_language()}"
    return cast(Figures, cache.get_or_set(key, lambda: _figures(user, timezone.now()), KEPT_S))


def _figures(user: Any, now: datetime) -> Figures:
    runs = Run.objects.visible_to(user).order_by()
    sums = _sums(runs, now)
    rows = list(
        runs.filter(created_at__gte=now - DAY, status__in=Run.FINAL)
        .order_by("-created_at")
        .values_list("created_at", _outcome(), "active_ms", "cost")[:MOST_SAMPLED]
    )
    tiles = _tiles(sums, rows, now) if sums["runs"] else []
    return Figures(tiles, _causes(runs, now) if sums["failed"] else [], now)


def _outcome() -> Case:
    """The status of a row; that of a run that could not do what was asked is no status of a success."""
    return Case(When(could_not=True, then=Value(COULD_NOT)), default=F("status"))


def _sums(runs: Any, now: datetime) -> dict[str, Any]:
    """The sums of the day, and with `_before` of the day before."""
    day, before = Q(created_at__gte=now - DAY), Q(created_at__lt=now - DAY)
    ended = {"succeeded": SUCCEEDED, "not_done": Q(could_not=True), "failed": Q(status=Run.Status.FAILED)}
    asked: dict[str, Any] = {}
    for suffix, when in (("", day), ("_before", before)):
        asked[f"runs{suffix}"] = Count("pk", filter=when)
        asked |= {f"{name}{suffix}": Count("pk", filter=when & outcome) for name, outcome in ended.items()}
        asked[f"spent{suffix}"] = Sum("cost", filter=when)
    for name, price in (("unpriced", UNPRICED), ("free", FREE)):
        asked[name] = Count("pk", filter=day & Q(status__in=Run.FINAL) & price)
    sums: dict[str, Any] = runs.filter(created_at__gte=now - 2 * DAY).aggregate(**asked)
    return sums


def _ended(sums: dict[str, Any], suffix: str = "") -> int:
    """The runs that a success rate is taken of. One that could not do what was asked is no success."""
    return sum(sums[f"{name}{suffix}"] for name in ("succeeded", "not_done", "failed"))


def _tiles(sums: dict[str, Any], rows: Sequence[tuple[Any, ...]], now: datetime) -> list[Tile]:
    ended = _ended(sums)
    times = sorted(ms / 1000 for _at, status, ms, _cost in rows if ms and status != Run.Status.CANCELLED)
    p50, p95 = _cuts(times)
    outcomes, change = outcome_bars(rows, now), _change(sums["runs"], sums["runs_before"])
    return [
        Tile(gettext("Runs, 24 h"), f"{sums['runs']:,}", change, outcomes, "when=24h"),
        Tile(
            gettext("Success"),
            percent_text(sums["succeeded"], ended) if ended else "–",
            _success_before(sums),
            bars_of(share_by_hour(rows, now), "ok"),
            f"when=24h&{_without_success(sums)}",
        ),
        Tile(
            gettext("Time, median"),
            "–" if p50 is None else short_duration_text(p50),
            "" if p95 is None else gettext("95 %% within %(time)s") % {"time": short_duration_text(p95)},
            bars_of(median_by_hour(rows, now), "run"),
            "when=24h&sort=-time",
        ),
        Tile(
            gettext("Cost, 24 h"),
            _cost(sums),
            _cost_note(sums),
            bars_of(sum_by_hour(rows, now), "run"),
            "when=24h&sort=-cost",
        ),
    ]


def _without_success(sums: dict[str, Any]) -> str:
    """The filter of the runs that were no success; of the others if there are none."""
    names = [name for name, key in ((COULD_NOT, "not_done"), ("failed", "failed")) if sums[key]]
    return "&".join(f"status={name}" for name in names or ["completed"])


def _change(now: Any, before: Any) -> str:
    """`+12 % on the day before`; no number where the day before had nothing."""
    if not before:
        return gettext("none the day before")
    if float(now) >= 10 * float(before):
        return gettext("%(times)s × the day before") % {"times": f"{float(now) / float(before):,.0f}"}
    share = round(100 * (float(now) / float(before) - 1))
    if share == 0:
        return gettext("as the day before")
    return gettext("%(share)s %% on the day before") % {"share": f"{share:+,}".replace("-", "−")}


def _success_before(sums: dict[str, Any]) -> str:
    before = _ended(sums, "_before")
    failed = gettext("%(n)s failed") % {"n": f"{sums['failed']:,}"}
    if sums["not_done"]:
        failed += " · " + gettext("%(n)s could not do it") % {"n": f"{sums['not_done']:,}"}
    if not before:
        return failed
    share = percent_text(sums["succeeded_before"], before)
    return gettext("%(failed)s · %(share)s the day before") % {"failed": failed, "share": share}


def _cost(sums: dict[str, Any]) -> str:
    if sums["spent"] is not None:
        return sum_text(sums["spent"])
    return gettext("free") if sums["free"] and not sums["unpriced"] else "–"


def _cost_note(sums: dict[str, Any]) -> str:
    unpriced = sums["unpriced"]
    if unpriced and (sums["spent"] is None or unpriced * 2 > sums["runs"]):
        return gettext("%(n)s without a price") % {"n": f"{unpriced:,}"}
    if sums["spent"] is None:
        return ""
    return _change(sums["spent"], sums["spent_before"])


def _cuts(times: list[float]) -> tuple[float | None, float | None]:
    if len(times) < 2:
        return (times[0], None) if times else (None, None)
    cuts = quantiles(times, n=20, method="inclusive")
    return cuts[9], cuts[18]


def _causes(runs: Any, now: datetime) -> list[FailureCause]:
    """The failures of the day by the beginning of their error, the most frequent first."""
    failed = runs.filter(status=Run.Status.FAILED, created_at__gte=now - DAY).order_by("-created_at")
    rows = failed.annotate(cause=Left(KT("error__message"), CAUSE_CHARS)).values_list("cause", "created_at")
    counts: Counter[str] = Counter()
    last: dict[str, datetime] = {}
    for cause, at in rows[:MOST_SAMPLED]:
        words = cause or gettext("No cause is recorded")
        counts[words] += 1
        last.setdefault(words, at)
    return [
        FailureCause(count, error_words(words), last[words], _query_of(words))
        for words, count in counts.most_common(MOST_CAUSES)
    ]


def _query_of(cause: str) -> str:
    # Half a word at the end would still be found, but reads badly in the field.
    words = cause if len(cause) < CAUSE_CHARS else cause.rpartition(" ")[0]
    return urlencode({"status": "failed", "when": "24h", "q": words})
