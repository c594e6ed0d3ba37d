"""The figures of a thread: runs, people, tokens and cost, of what the user may see."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from runs.live.rendering.formatting import tokens_text
from runs.web.thread_tree import ThreadRun


@dataclass(frozen=True, slots=True)
class ThreadTotals:
    """Sums over some runs of a thread."""

    runs: int
    people: list[str]
    agents: list[str]
    """By name, in the order in which they came in."""
    cost: Decimal | None
    """US dollars of what is known; None if nothing is."""
    cost_is_partial: bool
    """True if a run's cost is unknown or known in part while others' is known."""
    is_free: bool
    """True if all of the runs are of the built-in model."""
    tokens: str
    """As text; empty if no run reported any."""

    @property
    def shown_people(self) -> str:
        """The names of those who wrote; empty for one person."""
        return ", ".join(self.people) if len(self.people) > 1 else ""


def totals_of(runs: Iterable[ThreadRun]) -> ThreadTotals:
    """The totals of the runs."""
    runs = list(runs)
    costs = [run.cost for run in runs if run.cost is not None]
    tokens = [run.tokens_used for run in runs if run.tokens_used is not None]
    return ThreadTotals(
        runs=len(runs),
        people=list(dict.fromkeys(run.user__username for run in runs if run.user__username)),
        agents=list(dict.fromkeys(run.agent__name for run in runs if run.agent__name)),
        cost=sum(costs, Decimal(0)) if costs else None,
        cost_is_partial=any(run.cost_is_partial for run in runs),
        is_free=all(run.cost is None and run.config__models == ["offline"] for run in runs),
        tokens=tokens_text(sum(tokens), is_estimated=any(run.usage_is_estimated for run in runs)) if tokens else "",
    )
