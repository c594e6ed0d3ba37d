"""How the runs of an agent went day by day: the charts on its page."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple

from django.db.models import Case, Count, Q, Sum, Value, When
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
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    begins = [midnight - timedelta(days=DAYS - 1 - at) for at in range(DAYS)]
    # Not `TruncDate`: on SQLite it is a function in Python, called for each run.
    day = Case(*(When(created_at__gte=begins[at], then=Value(at)) for at in reversed(range(DAYS))))
    rows = (
        Run.objects.visible_to(user)
        .filter(agent=agent, created_at__gte=begins[0])
        .order_by()
        .values(day=day)
        .annotate(
            succeeded=Count("pk", filter=SUCCEEDED),
            ended=Count("pk", filter=Q(status__in=[Run.Status.COMPLETED, Run.Status.FAILED])),
            cost=Sum("cost"),
        )
    )
    days = [_Day(row["day"], row["succeeded"], row["ended"], row["cost"]) for row in rows]
    return [*_success(days), *_cost(days)]


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
