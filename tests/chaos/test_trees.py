"""E29 to E32: trees of 16 runs, which are stopped, paused, killed, and shared by workers."""

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

import pytest

from tests.chaos.attacked import Attacked
from tests.chaos.fleet import Fleet
from tests.chaos.script import DOLLARS_A_REPLY, RUNS_OF_A_TREE
from tests.chaos.site import ChaosSite
from tests.chaos.size import REST_LIMIT_S, SEED, size
from tests.chaos.verdict import assert_sound

TREES = size(short=1, full=20)
KILLS = size(short=2, full=50)
STOPPED_IN_S = 1.0
LEASE_S = size(short=2, full=3)
LEAVES = 10
CALLS_AT_ONCE = 3
"""Of a leaf, at least."""


@dataclass(frozen=True)
class Tree:
    """A tree of runs as its rows are now."""

    statuses: Counter[str]
    hosted: int
    tasks: Counter[str]
    costs: list[Decimal]

    @property
    def cost(self) -> Decimal:
        """What its runs have cost together."""
        return sum(self.costs, Decimal(0))


def launch_tree(site: Attacked, label: str) -> str:
    """Launch a tree; returns the id of its first run."""
    assert site.launch(f"tree {label}", agent="Root") == []
    return str(UUID(site.launched[-1]))


def tree_of(site: Attacked, root: str) -> Tree:
    """The tree with this first run."""
    ids = {"'" + root + "'", "'" + UUID(root).hex + "'"} if isinstance(site, ChaosSite) else {"'" + root + "'"}
    which = ", ".join(ids)
    with site.ask() as query:
        rows = query(
            f"SELECT status, waiting_for, owner, task, cost FROM runs_run WHERE id IN ({which}) OR root IN ({which})"
        )
    return Tree(
        Counter(f"{status}:{waiting_for}".rstrip(":") for status, waiting_for, *_ in rows),
        sum(owner is not None for _, _, owner, _, _ in rows),
        Counter(task for *_, task, _ in rows),
        [Decimal(str(cost)) for *_, cost in rows if cost is not None],
    )


def press(site: Attacked, root: str, button: str) -> float:
    """Press a button on the page of a run; returns when, in seconds since 1970."""
    with site.visitor() as visitor:
        visitor.get(f"/runs/{root}/")
        pressed_at = time.time()
        status, _ = visitor.post(f"/runs/{root}/{button}/")
    assert status in (200, 204, 302), f"{button} was answered with {status}."
    return pressed_at


def all_leaves_work(site: Attacked, root: str, starts_before: int) -> bool:
    """True if every leaf of the tree is hosted and has calls at work, and the runs above them wait."""
    tree = tree_of(site, root)
    at_work = site.count_starts() - starts_before >= LEAVES * CALLS_AT_ONCE
    return at_work and tree.hosted == LEAVES and tree.statuses["waiting:child"] == RUNS_OF_A_TREE - LEAVES


def last_move(site: Attacked, since: float, to: str) -> float:
    """Seconds from `since` to the last time that a run came to this status."""
    return max(move.at for move in site.rows().moves if move.kind == "run" and move.now == to) - since


def assert_whole(tree: Tree, status: str) -> None:
    """Raise unless the tree has all of its runs, each once, in this status."""
    assert tree.statuses == {status: RUNS_OF_A_TREE}
    assert tree.hosted == 0
    assert set(tree.tasks.values()) == {1}


def test_a_stop_at_the_root_stops_all_runs_of_a_tree_within_a_second(
    start_chaos: Callable[..., ChaosSite], report: Callable[[str, str], None]
):
    site = start_chaos()
    took: list[float] = []

    for number in range(TREES):
        site.allow("hold")
        starts_before = site.count_starts()
        root = launch_tree(site, f"t{number}")
        site.wait_until(lambda: all_leaves_work(site, root, starts_before))  # noqa: B023 - called at once
        pressed_at = press(site, root, "cancel")
        site.wait_until(site.all_ended)
        took.append(last_move(site, pressed_at, "cancelled"))
        assert_whole(tree_of(site, root), "cancelled")
        starts = site.count_starts()
        site.forbid("hold")
        assert site.count_starts() == starts

    seen = site.evidence()
    report(
        "E29",
        f"{TREES} trees of {RUNS_OF_A_TREE} runs with {LEAVES} at work: all stopped {max(took):.2f} s after the stop "
        f"of the first run at the latest, median {sorted(took)[len(took) // 2]:.2f} s; 0 left",
    )
    assert max(took) <= STOPPED_IN_S
    assert_sound(seen)


def test_a_stop_at_any_moment_of_a_growing_tree_leaves_no_run_behind(
    start_chaos: Callable[..., ChaosSite], report: Callable[[str, str], None]
):
    chance = random.Random(SEED)
    site = start_chaos()
    took, sizes = [], []

    for number in range(size(short=4, full=100)):
        root = launch_tree(site, f"g{number}")
        time.sleep(chance.uniform(0, 0.8))  # The random moment.
        pressed_at = press(site, root, "cancel")
        site.wait_until(site.all_ended)
        tree = tree_of(site, root)
        sizes.append(tree.statuses.total())
        if tree.statuses["cancelled"]:
            took.append(last_move(site, pressed_at, "cancelled"))

    seen = site.evidence()
    report(
        "E29",
        f"{len(sizes)} trees stopped while they grow, at {min(sizes)} to {max(sizes)} runs: all stopped after "
        f"{max(took):.2f} s at the latest, median {sorted(took)[len(took) // 2]:.2f} s; 0 left",
    )
    assert_sound(seen)
    assert max(took) <= STOPPED_IN_S


def test_a_paused_tree_stands_still_and_goes_on_where_it_was_and_its_cost_adds_up(
    start_chaos: Callable[..., ChaosSite], report: Callable[[str, str], None]
):
    site = start_chaos()
    paused_in, costs = [], []

    for number in range(TREES):
        site.allow("hold")
        starts_before = site.count_starts()
        root = launch_tree(site, f"p{number}")
        site.wait_until(lambda: all_leaves_work(site, root, starts_before))  # noqa: B023 - called at once
        pressed_at = press(site, root, "pause")
        site.forbid("hold")
        site.wait_until(lambda: tree_of(site, root).statuses == {"waiting:resume": RUNS_OF_A_TREE})  # noqa: B023
        paused_in.append(last_move(site, pressed_at, "waiting:resume"))
        assert tree_of(site, root).hosted == 0
        press(site, root, "resume")
        site.wait_until(site.all_ended)
        tree = tree_of(site, root)
        assert_whole(tree, "completed")
        costs.append(tree.cost)

    seen = site.evidence()
    replies = 6 * 2 + LEAVES * 3  # Two of each run that calls agents, three of each leaf.
    report(
        "E30",
        f"{TREES} trees of {RUNS_OF_A_TREE} runs paused with {LEAVES} at work, and resumed: all parked "
        f"{max(paused_in):.1f} s after the request at the latest, all completed; each cost {replies} replies to the "
        f"last digit, ${costs[0].normalize()}",
    )
    assert costs == [replies * DOLLARS_A_REPLY] * TREES
    assert_sound(seen)


def test_a_server_killed_again_and_again_resumes_whole_trees_and_launches_no_child_twice(
    start_chaos: Callable[..., ChaosSite], report: Callable[[str, str], None]
):
    chance = random.Random(SEED)
    site = start_chaos()
    roots: list[str] = []

    for number in range(KILLS):
        roots.append(launch_tree(site, f"k{number}"))
        moment = site.count_ends() + chance.randrange(0, LEAVES * CALLS_AT_ONCE)
        site.wait_until(lambda: site.count_ends() >= moment or site.all_at_rest())  # noqa: B023 - called at once
        time.sleep(chance.uniform(0, 0.1))  # Part of the random moment.
        site.kill()
        site.start()
    rested_in_s = site.wait_until(site.all_ended, limit_s=REST_LIMIT_S)

    seen = site.evidence()
    for root in roots:
        assert_whole(tree_of(site, root), "completed")
    report(
        "E31",
        f"{KILLS} kills of the embedded server, {len(roots)} trees, {len(seen.rows.runs)} runs: all completed, no "
        f"child launched twice; all at rest {rested_in_s:.1f} s after the last start",
    )
    assert_sound(seen)


@pytest.mark.parametrize("kills", [0, KILLS], ids=["alive", "killed"])
def test_two_workers_share_a_tree(start_fleet: Callable[..., Fleet], report: Callable[[str, str], None], kills: int):
    chance = random.Random(SEED)
    site = start_fleet(workers=2, restarts=True, AGENTSITE_LEASE_S=str(LEASE_S), AGENTSITE_WORKER_RUNS="8")
    roots: list[str] = []

    for number in range(max(kills, TREES)):
        roots.append(launch_tree(site, f"w{number}"))
        if not kills:
            site.wait_until(site.all_ended)
            continue
        worker = chance.choice(site.workers)
        moment = site.count_ends() + chance.randrange(0, LEAVES * CALLS_AT_ONCE)
        site.wait_until(lambda: worker.is_at_work and (site.count_ends() >= moment or site.all_at_rest()))  # noqa: B023
        worker.process.kill()
        site.wait_until(lambda: not worker.is_at_work)  # noqa: B023 - called at once
    rested_in_s = site.wait_until(site.all_ended, limit_s=REST_LIMIT_S)

    seen = site.evidence()
    workers = {line.pid for line in site.starts()}
    trees = [tree_of(site, root) for root in roots]
    for tree in trees:
        assert_whole(tree, "completed")
    what = f"{kills} kills of 2 workers (lease {LEASE_S} s)" if kills else "2 workers"
    report(
        "E32",
        f"{what}, {len(roots)} trees, {len(seen.rows.runs)} runs at work in {len(workers)} processes: all completed, "
        f"no child launched twice; all at rest after {rested_in_s:.1f} s",
    )
    assert len(workers) >= 2
    if not kills:
        assert {tree.cost for tree in trees} == {(6 * 2 + LEAVES * 3) * DOLLARS_A_REPLY}
    assert_sound(seen)
