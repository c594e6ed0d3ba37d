"""The counts over and under the list of runs: of each view, and of all matches. All of them are capped."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.db.models import Count, Min, Q, QuerySet, Sum
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext, ngettext

from runs.live.rendering.formatting import capped_text, counted_text, percent_text, sum_text
from runs.models import Run, RunView
from runs.models.run import FREE, SUCCEEDED
from runs.web.count_cache import cached_count
from runs.web.run_filter import RunFilter, needing, start_of_today
from runs.web.run_views import address_of, views_for

MOST_COUNTED: Final = 10_000
"""Runs of a view that are counted, and of the list that are grouped: of more the newest are."""
MOST_SUMMED: Final = 100_000
"""Runs of the list that are summed; of more the newest are."""


@dataclass(frozen=True, slots=True)
class RunTotals:
    """The sums of all matching runs, or of the newest `MOST_SUMMED`."""

    runs: int
    succeeded: int
    could_not: int
    failed: int
    cost: Decimal | None
    unpriced: int
    """Runs whose cost is unknown, or known in part."""

    @property
    def count_words(self) -> str:
        """The number of runs: `3,051 runs`, `100,000+ runs`."""
        return ngettext("%(n)s run", "%(n)s runs", self.runs) % {"n": capped_text(self.runs, MOST_SUMMED)}

    @property
    def cap_words(self) -> str:
        """Which of the runs are summed; empty if all are."""
        if self.runs <= MOST_SUMMED:
            return ""
        return gettext("sums of the newest %(n)s") % {"n": counted_text(MOST_SUMMED)}

    @property
    def cost_words(self) -> str:
        """The sum of the known costs, at least that if some are unknown; without any it is unknown, and of runs of the
        built-in model alone free."""
        if self.cost is not None:
            cost = sum_text(self.cost)
            return gettext("at least %(cost)s") % {"cost": cost} if self.unpriced else cost
        if not self.runs:
            return ""
        return gettext("cost unknown") if self.unpriced else gettext("free")

    @property
    def cost_note(self) -> str:
        """How many costs are missing in the sum."""
        words = ngettext("%(n)s run has no full price", "%(n)s runs have no full price", self.unpriced)
        return words % {"n": f"{self.unpriced:,}"}

    @property
    def success_words(self) -> str:
        """The share of the runs that did what was asked among those that completed or failed; empty without any."""
        ended = self.succeeded + self.could_not + self.failed
        return gettext("%(share)s success") % {"share": percent_text(self.succeeded, ended)} if ended else ""

    @property
    def success_note(self) -> str:
        """The numbers behind the share."""
        return outcome_numbers(self.succeeded, self.could_not, self.failed)


def outcome_numbers(succeeded: int, could_not: int, failed: int) -> str:
    """The numbers behind a success rate: `8 completed, 1 could not do it, 1 failed`."""
    parts = [gettext("%(n)s completed") % {"n": f"{succeeded:,}"}]
    if could_not:
        parts.append(gettext("%(n)s could not do it") % {"n": f"{could_not:,}"})
    return ", ".join([*parts, gettext("%(n)s failed") % {"n": f"{failed:,}"}])


def totals_of(runs: QuerySet[Run]) -> RunTotals:
    """The totals in one query, or two if some run has no cost."""
    columns = ("status", "could_not", "cost", "cost_is_partial", "created_at")
    newest = runs.order_by("-created_at", "-id").values(*columns)[: MOST_SUMMED + 1]
    sums = newest.aggregate(
        runs=Count("*"),
        succeeded=Count("status", filter=SUCCEEDED),
        could_not=Count("status", filter=Q(could_not=True)),
        failed=Count("status", filter=Q(status=Run.Status.FAILED)),
        sum=Sum("cost"),
        unpriced=Count("status", filter=Q(cost__isnull=True) | Q(cost_is_partial=True)),
        oldest=Min("created_at"),
    )
    oldest = sums.pop("oldest")
    if sums["unpriced"]:
        # Which model a run had is in its configuration: read of the few without a cost, not of a hundred thousand.
        free = runs.filter(FREE, cost_is_partial=False, created_at__gte=oldest)
        sums["unpriced"] = max(0, sums["unpriced"] - free.count())
    return RunTotals(cost=sums.pop("sum"), **sums)


@dataclass(frozen=True, slots=True)
class ViewTab:
    """One saved view with its count."""

    name: str
    title: str
    count: str
    is_current: bool
    url: str


def view_tabs(wanted: RunFilter, totals: RunTotals | None) -> list[ViewTab]:
    """The fixed views and the saved ones, with their counts. `totals` are those of the list, whose view shows the same
    number; None if they are not known."""
    saved = views_for(wanted.user)
    is_saved = any(str(view.pk) == wanted.saved for view in saved)
    home = reverse("runs:history")
    shown = None if totals is None else min(totals.runs, MOST_COUNTED + 1)
    fixed = []
    for name, title in wanted.views.items():
        is_here = not is_saved and name == wanted.view
        is_whole = is_here and not wanted.chosen()
        number = shown if is_whole and shown is not None else _count_of(name, wanted.user)
        is_current = is_whole or (is_here and bool(name))  # with filters these are not all
        url = f"{home}?view={name}" if name else home
        fixed.append(ViewTab(name, title, capped_text(number, MOST_COUNTED), is_current, url))
    return [*fixed, *(_saved_tab(view, wanted, shown) for view in saved)]


def _saved_tab(view: RunView, wanted: RunFilter, shown: int | None) -> ViewTab:
    """A saved view; without a count where that would read texts."""
    asked = RunFilter(QueryDict(view.query), user=wanted.user, beside=wanted)
    is_current = str(view.pk) == wanted.saved
    is_shown = is_current and asked.chosen() == wanted.chosen() and asked.view == wanted.view

    def count() -> int:
        return asked.matching()[: MOST_COUNTED + 1].count()

    number = ""
    if not asked.q:
        name = f"{view.pk}:{hash(view.query)}"
        found = shown if is_shown and shown is not None else cached_count(wanted.user, name, count)
        number = capped_text(found, MOST_COUNTED)
    return ViewTab(str(view.pk), view.name, number, is_current, address_of(view))


def _count_of(name: str, user: Any) -> int:
    seen = Run.objects.visible_to(user).order_by()
    views = {
        "": seen,
        "needs-me": needing(user).order_by(),
        "failed-today": seen.filter(status=Run.Status.FAILED, created_at__gte=start_of_today()),
        "mine": seen.filter(user=user),
    }
    return cached_count(user, name, views[name][: MOST_COUNTED + 1].count)
