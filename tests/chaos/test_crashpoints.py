"""E2: a process dies at every place around a commit, for calls of every kind, and the run ends as it should."""

from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPException
from uuid import UUID

import pytest

from runs.engine.crashpoints import BOUNDARIES
from tests.chaos.attacked import Attacked
from tests.chaos.fleet import Fleet
from tests.chaos.site import ChaosSite
from tests.chaos.size import size
from tests.chaos.verdict import assert_sound

EFFECTS = ("pure", "idempotent", "unsafe")
SCENES: dict[str, tuple[str, ...]] = {
    "plain": ("launch", "claim", "reply", "start", "result", "finish"),
    "stopped": ("cancel_asked", "cancel"),
    "drained": ("suspend",),
    "approved": ("park",),
    "deciding": ("decision", "claim"),
}
"""How a run comes past a boundary: by itself, because somebody stops it or its host in the middle of the call, because
its call has to be approved, or when that has been done and it goes on."""
UNDECIDED = {"after_start", "in_call", "call_executed", "before_result"}
"""Where an unsafe call may or may not have happened."""
WORST = [("plain", "before_reply"), ("plain", "after_start"), ("deciding", "after_decision")]
"""What a short form tries, with an unsafe call."""


def points_for(effect: str) -> list[tuple[str, str]]:
    """Every crash point a run with one call of that effect comes past, and how."""
    every = [
        (scene, f"{when}_{boundary}")
        for scene, boundaries in SCENES.items()
        for boundary in boundaries
        for when in ("before", "after")
        # A repeatable call starts with its proposal, and a run in an unsafe one is not suspended but parked.
        if (boundary, effect) not in (("start", "pure"), ("suspend", "unsafe"))
    ]
    return size(short=WORST, full=[*every, ("plain", "in_call"), ("plain", "call_executed")])


def test_no_boundary_is_left_out():
    assert {boundary for boundaries in SCENES.values() for boundary in boundaries} == set(BOUNDARIES)


@pytest.mark.parametrize("effect", size(short=("unsafe",), full=EFFECTS))
def test_a_server_that_dies_around_any_commit_is_survived(
    effect: str, start_chaos: Callable[..., ChaosSite], report: Callable[[str, str], None]
):
    report("E2", f"SQLite, {effect}: {die_everywhere(start_chaos(), effect)}")


@pytest.mark.parametrize("effect", size(short=("unsafe",), full=EFFECTS))
def test_a_process_of_many_that_dies_around_any_commit_is_survived(
    effect: str, start_fleet: Callable[..., Fleet], report: Callable[[str, str], None]
):
    report("E2", f"Postgres, {effect}: {die_everywhere(start_fleet(AGENTSITE_LEASE_S='1'), effect)}")


def die_everywhere(site: Attacked, effect: str) -> str:
    """Have a run die at each point and end after a restart; the figures."""
    points = points_for(effect)
    undecided = [die_at(site, scene, point, effect) for scene, point in points]
    assert_sound(site.evidence())
    return f"{len(points)} of {len(points)} crash points survived, {sum(undecided)} undecided"


def die_at(site: Attacked, scene: str, point: str, effect: str) -> int:
    """Have a run meet its death at the point, and end after a restart; 1 if a person had to say so."""
    play(site, scene, point, effect)
    site.wait_for_a_death()
    assert site.disarm(), f"Nobody came past {point} ({scene})."
    (site.witness / "hold").unlink(missing_ok=True)
    site.start()
    site.wait_until(lambda: site.all_at_rest() or site.waits_for_approval())
    site.approve()
    site.wait_until(site.all_at_rest)
    undecided = site.stop_undecided()
    # Of a single process, the one a stop is asked of dies in the middle of the call, and nobody knows of the stop.
    unknown = UNDECIDED | ({"before_cancel_asked"} if isinstance(site, ChaosSite) else set())
    assert undecided == (point in unknown and effect == "unsafe"), f"{point} ({scene}): {undecided} undecided"
    return undecided


def play(site: Attacked, scene: str, point: str, effect: str) -> None:
    """Bring a run to where somebody dies."""
    task = f"work_{effect} {scene}-{point}"
    match scene:
        case "plain":
            site.arm(point)
            site.launch(task)
        case "approved":
            site.arm(point)
            site.launch(task, agent="Careful")
        case "deciding":
            site.launch(task, agent="Careful")
            site.wait_until(site.waits_for_approval)
            site.arm(point)
            site.approve()
        case _:
            hold(site, task)
            site.arm(point)
            if scene == "stopped":
                ask_to_stop(site)
            else:
                site.terminate()


def hold(site: Attacked, task: str) -> None:
    """Launch a run that comes as far as its call, and stays there."""
    site.allow("hold")
    site.launch(task)
    place = f"{task.split()[1]}/"
    site.wait_until(lambda: any(line.place.startswith(place) for line in site.starts()))


def ask_to_stop(site: Attacked) -> None:
    """Ask to stop the run that is not over. The site may die over it."""
    with site.ask() as query:
        ((run,),) = query("SELECT id FROM runs_run WHERE status NOT IN ('completed', 'failed', 'cancelled')")
    with site.visitor() as visitor, suppress(OSError, HTTPException):
        visitor.post(f"/runs/{UUID(str(run))}/cancel/")
