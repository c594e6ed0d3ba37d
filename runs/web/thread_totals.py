"""The figures of a thread: runs, people, agents, tokens, time and cost, of what the user may see."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, Min, Q, Sum

from runs.live.rendering.formatting import tokens_text
from runs.models import Run
from runs.models.run import FREE, UNPRICED

MOST_NAMES: Final = 10
"""Agents, and people, that the head of a thread names."""


@dataclass(frozen=True, slots=True)
class ThreadTotals:
    """Sums over the runs of a thread."""

    runs: int
    people: list[str]
    agents: list[str]
    """By name, in the order in which they came in."""
    cost: Decimal | None
    """US dollars of what is known; None if nothing is."""
    cost_is_partial: bool
    """True if the cost of some run is unknown, or known in part."""
    is_free: bool
    """True if all of the runs are of the built-in model."""
    tokens: str
    """As text; empty if no run reported any."""
    worked: timedelta | None
    """The time that its runs were at work; None before the first was."""

    @property
    def shown_people(self) -> str:
        """The names of those who wrote; empty for one person."""
        return ", ".join(self.people) if len(self.people) > 1 else ""


def totals_of(user: Any, thread_id: UUID) -> ThreadTotals:
    """The totals of the runs that `user` may see. Three queries."""
    seen = Run.objects.in_thread(thread_id).visible_to(user).order_by()
    sums = seen.aggregate(
        runs=Count("pk"),
        costs=Sum("cost"),
        partly=Count("pk", filter=UNPRICED),
        free=Count("pk", filter=FREE),
        tokens=Sum("tokens_used"),
        estimated=Count("pk", filter=Q(usage_is_estimated=True)),
        worked=Sum("active_ms"),
    )
    tokens = sums["tokens"]
    return ThreadTotals(
        runs=sums["runs"],
        people=_names(seen, "user__username"),
        agents=_names(seen, "agent__name"),
        cost=sums["costs"],
        cost_is_partial=bool(sums["partly"]),
        is_free=sums["free"] == sums["runs"],
        tokens="" if tokens is None else tokens_text(tokens, is_estimated=bool(sums["estimated"])),
        worked=timedelta(milliseconds=sums["worked"]) if sums["worked"] else None,
    )


def _names(runs: Any, column: str) -> list[str]:
    """The names in a column, in the order in which they came in."""
    named = runs.exclude(**{column: None}).values_list(column)
    rows = named.annotate(first=Min("created_at")).order_by("first", column)
    return [name for name, _first in rows[:MOST_NAMES]]
