"""The tree of a run on its page: each of its runs with status and cost, and once what they have used together."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final
from uuid import UUID

from django.db.models import F
from django.db.models.functions import Left
from django.utils.translation import gettext

from runs.live.rendering.formatting import sum_text, tokens_text
from runs.live.rendering.run_lines import START_CHARS
from runs.models import Run
from runs.models.run_tree import RunTree

MOST_NODES: Final = 100
"""Runs of a tree that its pages show; further ones are counted."""
_COLUMNS: Final = ("could_not", "owner", "cancel_requested_at", "pause_requested_at")


@dataclass(frozen=True, slots=True)
class TreeNode:
    """One run of a tree, with the beginning of its task as `run.task_start`."""

    run: Run
    level: int
    """1 for the first run of the tree."""
    agent: str
    cost: str
    """As `cost_words`."""
    is_here: bool
    """The run whose page this is."""


@dataclass(frozen=True, slots=True)
class TreeView:
    """The tree of a run."""

    nodes: Sequence[TreeNode]
    """Each run before those that it has launched; at most `MOST_NODES`, always with the run whose page it is."""
    above: Sequence[Run]
    """The runs above that one, from the first of the tree on."""
    root_id: UUID
    count: int
    ended: int
    asking: int
    """Runs that wait for a person."""
    cost: str
    """Of all runs together, as `cost_words`."""
    tokens: str
    """Of all runs together; empty while none are known."""

    @property
    def is_over(self) -> bool:
        """True once all of its runs have ended."""
        return self.ended == self.count

    @property
    def more(self) -> int:
        """The number of runs that are not shown."""
        return self.count - len(self.nodes)


def may_be_in_tree(run: Run) -> bool:
    """False for a run that cannot have child runs, and is none. No query."""
    return run.is_child or bool(run.config.get("agents"))


def tree_view(run: Run) -> TreeView | None:
    """The tree that the run is in; None for a run alone. No query for a run whose agent calls no others."""
    if not may_be_in_tree(run):
        return None
    start = {"task_start": Left("task", START_CHARS), "agent_name": F("config__agent"), "models": F("config__models")}
    tree = RunTree.of(run, *_COLUMNS, annotations=start)
    if tree is None:
        return None
    runs = [tree.top, *tree.below()]
    known = [each.tokens_used for each in runs if each.tokens_used is not None]
    return TreeView(
        nodes=_nodes(tree, run),
        above=_above(tree, run),
        root_id=tree.top.pk,
        count=len(runs),
        ended=sum(each.is_finished for each in runs),
        asking=sum(each.waiting_for in Run.ASKING for each in runs),
        cost=cost_words(runs),
        tokens=tokens_text(sum(known), is_estimated=any(each.usage_is_estimated for each in runs)) if known else "",
    )


def cost_words(runs: Sequence[Run]) -> str:
    """What the runs (with `models`) have cost together: dollars, "free" if no model with a price was asked, "not
    reported" if nothing is known of the ended ones, and empty as long as that may come."""
    known = [each.cost for each in runs if each.cost is not None]
    priced = [each for each in runs if not _is_free(each)]
    if not priced:
        return gettext("free")
    missing = any(each.is_finished for each in priced if each.cost is None)
    if not known:
        return gettext("not reported") if missing else ""
    cost = sum_text(sum(known, Decimal(0)))
    is_partial = missing or any(each.cost_is_partial for each in runs)
    return gettext("at least %(cost)s") % {"cost": cost} if is_partial else cost


def _is_free(run: Run) -> bool:
    """True for a run of the built-in model."""
    return run.cost is None and (run.models or ["offline"]) == ["offline"]  # type: ignore[attr-defined]


def _nodes(tree: RunTree, here: Run) -> list[TreeNode]:
    shown = [_node(each, here) for each in [tree.top, *tree.below()]]
    first = shown[:MOST_NODES]
    if any(each.is_here for each in first):
        return first
    return [*first[:-1], *(each for each in shown if each.is_here)]


def _node(run: Run, here: Run) -> TreeNode:
    agent = str(run.agent_name or "")  # type: ignore[attr-defined]
    return TreeNode(run, run.depth + 1, agent, cost_words([run]), is_here=run.pk == here.pk)


def _above(tree: RunTree, here: Run) -> list[Run]:
    by_id = {each.pk: each for each in [tree.top, *tree.below()]}
    chain: list[Run] = []
    at = by_id.get(here.pk)
    while at is not None and at.parent_call is not None:
        at = by_id.get(at.parent_call.run_id)
        if at is not None:
            chain.insert(0, at)
    return chain
