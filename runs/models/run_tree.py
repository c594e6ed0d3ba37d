"""The tree of a run: the run with its child runs, and what they have used together."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, Self
from uuid import UUID

from runs.models.run import Run
from runs.models.tool_call import ToolCall

_STATE_AND_USE: Final = (
    *("parent_call", "root", "depth", "status", "waiting_for"),
    *("tokens_used", "usage_is_estimated", "cost", "cost_is_partial", "active_ms"),
)
_OF_CALL: Final = ("parent_call__run", "parent_call__turn", "parent_call__state")


@dataclass(frozen=True, slots=True)
class TreeUse:
    """What several runs have used. A figure is None while it is unknown of all of them."""

    tokens: int | None = None
    usage_is_estimated: bool = False
    cost: Decimal | None = None
    cost_is_partial: bool = False
    active_s: float = 0.0
    """Of runs that worked at the same time only the longest counts."""

    def __add__(self, other: "TreeUse") -> "TreeUse":
        """The use of both, one after the other."""
        tokens = [each for each in (self.tokens, other.tokens) if each is not None]
        costs = [each for each in (self.cost, other.cost) if each is not None]
        return TreeUse(
            sum(tokens) if tokens else None,
            self.usage_is_estimated or other.usage_is_estimated,
            sum(costs, Decimal(0)) if costs else None,
            self.cost_is_partial or other.cost_is_partial,
            self.active_s + other.active_s,
        )

    @classmethod
    def of(cls, run: Run) -> Self:
        """What a run has used itself."""
        own = (run.tokens_used, run.usage_is_estimated, run.cost, run.cost_is_partial)
        return cls(*own, active_s=run.active_ms / 1000)


class RunTree:
    """The runs of a tree that are at or below one of them."""

    def __init__(self, top: Run, runs: list[Run]) -> None:
        """`runs`: those of the whole tree, each with its `parent_call`, in order."""
        self.top = top
        self._children: dict[UUID, list[Run]] = defaultdict(list)
        for run in runs:
            if run.parent_call is not None:
                self._children[run.parent_call.run_id].append(run)

    @classmethod
    def under(cls, top: Run, *fields: str) -> Self:
        """The tree below `top`. Queries once; `fields` are those of the runs to load besides their state and use."""
        below = Run.objects.filter(root=top.root_id).select_related("parent_call")
        return cls(top, list(below.only(*_STATE_AND_USE, *fields, *_OF_CALL).order_by("created_at", "pk")))

    @classmethod
    def of(cls, run: Run, *fields: str, annotations: Mapping[str, Any] = MappingProxyType({})) -> Self | None:
        """The whole tree that the run is in; None for a run alone. Queries once. The runs have `annotations`, and
        `fields` besides their state and use; child runs are in the order of their calls."""
        found = Run.objects.in_tree(run.root_id).select_related("parent_call").annotate(**annotations)
        found = found.only(*_STATE_AND_USE, *fields, *_OF_CALL)
        in_order = ("parent_call__turn", "parent_call__index", "parent_call__position", "created_at")
        runs = list(found.order_by(*in_order))
        top = next((each for each in runs if each.pk == run.root_id), None)
        return cls(top, runs) if top is not None and len(runs) > 1 else None

    def children_of(self, run: Run) -> list[Run]:
        """The runs that this run's calls have launched, in order."""
        return self._children.get(run.pk, [])

    def below(self, run: Run | None = None) -> Iterator[Run]:
        """All runs below the run, or below the top: each before its own children."""
        for child in self.children_of(run or self.top):
            yield child
            yield from self.below(child)

    def use_below(self, run: Run | None = None) -> TreeUse:
        """What the runs below the run, or below the top, have used together."""
        by_turn: dict[int, list[TreeUse]] = defaultdict(list)
        for child in self.children_of(run or self.top):
            by_turn[_turn(child)].append(self.use_of(child))
        return sum((_at_once(uses) for uses in by_turn.values()), TreeUse())

    def use_of(self, run: Run) -> TreeUse:
        """What the run and all below it have used together."""
        return TreeUse.of(run) + self.use_below(run)

    def calls_below(self, run: Run | None = None) -> int:
        """The number of tool calls of the runs below. Queries."""
        return ToolCall.objects.filter(run__in=[each.pk for each in self.below(run)]).count()


def _turn(child: Run) -> int:
    return child.parent_call.turn if child.parent_call is not None else 0


def _at_once(uses: list[TreeUse]) -> TreeUse:
    """The use of runs that one turn has launched: they work at the same time."""
    together = sum(uses, TreeUse())
    longest = max(use.active_s for use in uses)
    return TreeUse(
        together.tokens, together.usage_is_estimated, together.cost, together.cost_is_partial, active_s=longest
    )
