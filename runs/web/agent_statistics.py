"""Statistics of agents from the runs a user may see: runs, success rate, cost and the last run."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.db.models import Count, Max, Q, Sum
from django.utils import timezone

from runs.models import Agent, Run
from runs.models.run import COST_UNKNOWN, SUCCEEDED
from runs.web.model_rows import BUILT_IN
from runs.web.run_totals import outcome_numbers

RECENT: Final = timedelta(days=30)
"""The period of the number of runs and of the success rate."""


@dataclass(frozen=True, slots=True)
class AgentStatistics:
    """The runs of one agent."""

    recent: int = 0
    """Runs launched within `RECENT`."""
    succeeded: int = 0
    could_not: int = 0
    failed: int = 0
    """Of those; a stopped run is none of them."""
    cost: Decimal | None = None
    """US dollars of all runs; None if no cost is known."""
    is_partial: bool = False
    """True if the cost of some run is unknown or incomplete."""
    is_free: bool = False
    """True if no run has cost anything: the agent has the built-in model only."""
    last_at: datetime | None = None
    """When the last run was launched."""

    @property
    def success(self) -> int | None:
        """The share of runs that did what was asked among the completed and failed ones, in percent; None without
        any."""
        ended = self.succeeded + self.could_not + self.failed
        return round(100 * self.succeeded / ended) if ended else None

    @property
    def outcomes(self) -> str:
        """The numbers behind that share."""
        return outcome_numbers(self.succeeded, self.could_not, self.failed)


NOTHING: Final = AgentStatistics()


def statistics_of(user: Any, agents: Iterable[Agent]) -> dict[int, AgentStatistics]:
    """The statistics of the agents by their primary key, in one query. Agents without runs are absent."""
    agents = list(agents)
    built_in = {agent.pk for agent in agents if agent.model_names in ([], [BUILT_IN])}
    since = timezone.now() - RECENT
    is_recent = Q(created_at__gte=since)
    rows = (
        Run.objects.visible_to(user)
        .filter(agent__in=[agent.pk for agent in agents])
        .order_by()
        .values("agent")
        .annotate(
            recent=Count("pk", filter=is_recent),
            succeeded=Count("pk", filter=is_recent & SUCCEEDED),
            could_not=Count("pk", filter=is_recent & Q(could_not=True)),
            failed=Count("pk", filter=is_recent & Q(status=Run.Status.FAILED)),
            total=Sum("cost"),
            unknown=Count("pk", filter=COST_UNKNOWN),
            last_at=Max("created_at"),
        )
    )
    return {
        row["agent"]: AgentStatistics(
            recent=row["recent"],
            succeeded=row["succeeded"],
            could_not=row["could_not"],
            failed=row["failed"],
            cost=row["total"],
            is_partial=bool(row["unknown"]),
            is_free=row["total"] is None and not row["unknown"] and row["agent"] in built_in,
            last_at=row["last_at"],
        )
        for row in rows
    }
