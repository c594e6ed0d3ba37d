"""How the runs of an agent went day by day: the charts on its page."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple

from django.db.models import Count, Q, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone
from django.utils.translation import gettext, ngettext

from runs.live.rendering.formatting import percent_text, sum_text
from runs.models import Agent, Run
from runs.models.run import SUCCEEDED
from runs.web.home_charts import BAR_STEP, CHART_HEIGHT, ChartBar, bars_of

DAYS: Final = 30


class _Day(NamedTuple):
    """The runs that were launched on one day."""

    at: int
    """The place among the days, the oldest first."""
    succeeded: int
    ended: int
    """The completed and the failed ones."""
    cost: Decimal | None
    runs: int


@dataclass(frozen=True, slots=True)
class AgentTrend:
    """One chart."""

    name: str
    title: str
    about: str
    """What the chart shows, in words."""
    bars: list[ChartBar]

    @property
    def chart_width(self) -> int:
        """The width of the chart in its own units."""
        return DAYS * BAR_STEP - 1

    @property
    def chart_height(self) -> int:
        """The height of the chart in its own units."""
        return CHART_HEIGHT


def trends_of(user: Any, agent: Agent) -> list[AgentTrend]:
    """The charts of the runs of the last `DAYS` days that the user may see: success, and cost if there is some. Empty
    without a run that has ended."""
    today = timezone.localdate()
    since = timezone.now() - timedelta(days=DAYS)
    rows = (
        Run.objects.visible_to(user)
        .filter(agent=agent, created_at__gte=since)
        .order_by()
        .values(day=TruncDate("created_at"))
        .annotate(
            runs=Count("pk"),
            succeeded=Count("pk", filter=SUCCEEDED),
            ended=Count("pk", filter=Q(status__in=[Run.Status.COMPLETED, Run.Status.FAILED])),
            cost=Sum("cost"),
        )
    )
    days = [
        _Day(_place_of(row["day"], today), row["succeeded"], row["ended"], row["cost"], row["runs"]) for row in rows
    ]
    return [*_success(days), *_cost(days)]


def _place_of(day: date, today: date) -> int:
    return min(max(DAYS - 1 - (today - day).days, 0), DAYS - 1)


def _success(days: Iterable[_Day]) -> Iterable[AgentTrend]:
    ended = {day.at: day for day in days if day.ended}
    if not ended:
        return
    whole = dict.fromkeys(ended, 1.0)
    shares = {at: day.succeeded / day.ended for at, day in ended.items()}
    all_ended, succeeded = sum(day.ended for day in ended.values()), sum(day.succeeded for day in ended.values())
    told = {
        "share": percent_text(succeeded, all_ended),
        "least": percent_text(*_parts(min(ended.values(), key=lambda day: day.succeeded / day.ended))),
        "days": _days(len(ended)),
    }
    about = gettext("%(share)s of the runs of %(days)s succeeded; on the worst day %(least)s.") % told
    # What is above a bar of successes has failed.
    bars = [*bars_of(whole, "error", 1.0), *bars_of(shares, "ok", 1.0)]
    yield AgentTrend("success", gettext("Success by day"), about, bars)


def _parts(day: _Day) -> tuple[int, int]:
    return day.succeeded, day.ended


def _cost(days: Iterable[_Day]) -> Iterable[AgentTrend]:
    known = {day.at: day.cost for day in days if day.cost}
    if not known:
        return
    told = {"sum": sum_text(sum(known.values(), Decimal(0))), "most": sum_text(max(known.values()))}
    about = gettext("%(sum)s in %(days)s; at most %(most)s on a day.") % (told | {"days": _days(len(known))})
    yield AgentTrend(
        "cost", gettext("Cost by day"), about, bars_of({at: float(cost) for at, cost in known.items()}, "")
    )


def _days(count: int) -> str:
    return ngettext("%(count)s day", "%(count)s days", count) % {"count": count}
