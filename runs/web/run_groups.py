"""The list of runs in groups: by agent, by error, by day or by thread, each with its sums and its newest runs."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Count, F, Max, Q, Sum, Window
from django.db.models.expressions import Combinable
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce, Left, RowNumber, TruncDate
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext, pgettext

from runs.live.rendering.run_lines import START_CHARS
from runs.models import Run
from runs.models.run import SUCCEEDED, UNPRICED
from runs.models.run_queries import RunQuerySet
from runs.web.run_filter import RunFilter
from runs.web.run_totals import MOST_COUNTED, RunTotals

MOST_GROUPS: Final = 30
RUNS_OF_A_GROUP: Final = 5


@dataclass(slots=True)
class RunGroup:
    """Runs that have something in common."""

    title: str
    totals: RunTotals
    address: str
    """Where all of its runs are listed; empty for none."""
    ids: list[UUID] = field(default_factory=list)
    """Its newest runs."""
    runs: list[Run] = field(default_factory=list)


def groups_of(wanted: RunFilter) -> list[RunGroup]:
    """The groups of the newest `MOST_COUNTED` matches, the one with the newest run first; at most `MOST_GROUPS`.

    Two queries, and one more for the tasks of threads.
    """
    newest = wanted.matching().order_by("-created_at", "-id").values("pk")[:MOST_COUNTED]
    keyed: Any = Run.objects.filter(pk__in=newest).order_by().annotate(group_key=_key(wanted.group))
    rows = keyed.values("group_key").annotate(
        runs=Count("pk"),
        succeeded=Count("pk", filter=SUCCEEDED),
        could_not=Count("pk", filter=Q(could_not=True)),
        failed=Count("pk", filter=Q(status=Run.Status.FAILED)),
        cost_sum=Sum("cost"),
        unpriced=Count("pk", filter=UNPRICED),
        latest=Max("created_at"),
    )
    found = list(rows.order_by("-latest")[:MOST_GROUPS])
    keys = [row["group_key"] for row in found]
    newest_of, titles = _newest(keyed, keys), _titles(wanted, keys)
    return [
        RunGroup(titles[key], _totals(row), _address(wanted, key), newest_of[key])
        for key, row in zip(keys, found, strict=True)
    ]


def _key(group: str) -> Combinable | F:
    match group:
        case "agent":
            return F("agent__name")
        case "error":
            return Left(KT("error__code"), START_CHARS)
        case "day":
            return TruncDate("created_at")
        case _:
            return Coalesce(F("thread"), F("pk"))


def _newest(keyed: RunQuerySet, keys: list[Any]) -> dict[Any, list[UUID]]:
    here = Q(group_key__in=[key for key in keys if key is not None])
    if None in keys:
        here |= Q(group_key__isnull=True)
    place = Window(RowNumber(), partition_by=[F("group_key")], order_by=[F("created_at").desc(), F("id").desc()])
    rows = keyed.filter(here).annotate(number=place).filter(number__lte=RUNS_OF_A_GROUP)
    found: dict[Any, list[UUID]] = {key: [] for key in keys}
    for key, run_id in rows.order_by("-created_at", "-id").values_list("group_key", "pk"):
        found[key].append(run_id)
    return found


def _totals(row: dict[str, Any]) -> RunTotals:
    sums = {name: row[name] for name in ("runs", "succeeded", "could_not", "failed", "unpriced")}
    return RunTotals(cost=row["cost_sum"], **sums)


def _titles(wanted: RunFilter, keys: list[Any]) -> dict[Any, str]:
    match wanted.group:
        case "thread":
            # The first run of a thread may be another person's.
            seen = Run.objects.visible_to(wanted.user)
            tasks = dict(seen.filter(pk__in=keys).values_list("pk", Left("task", START_CHARS)))
            return {key: tasks.get(key, gettext("A thread whose first run is gone")) for key in keys}
        case "day":
            pattern = pgettext("pattern of a date", "l, j F Y")
            return {key: date_format(key, pattern) for key in keys}
        case "error":
            return {key: gettext("Without an error") if key is None else str(key) for key in keys}
        case _:
            return {key: gettext("Agents that are gone") if key is None else str(key) for key in keys}


def _address(wanted: RunFilter, key: Any) -> str:
    match wanted.group, key:
        case "thread", UUID():
            return reverse("runs:thread", args=[key])
        case "agent", str():
            return "?" + _without_group(wanted, agent=[key])
        case "error", str():
            return "?" + _without_group(wanted, error=[key])
        case "day", date():
            return "?" + _without_group(wanted, when="custom", since=key.isoformat(), until=key.isoformat())
        case _:
            return ""


def _without_group(wanted: RunFilter, **others: Any) -> str:
    view = {"view": wanted.view} if wanted.view else {}
    return urlencode(view | wanted.chosen() | others, doseq=True)
