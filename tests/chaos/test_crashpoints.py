"""E2: a process dies on both sides of every commit, for calls of every effect, and the run ends as it should."""

from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPException
from uuid import UUID

import pytest

from runs.engine.operations.fault_points import BOUNDARIES
from tests.chaos.attacked import Attacked
from tests.chaos.fleet import Fleet
from tests.chaos.site import ChaosSite
from tests.chaos.size import size
from tests.chaos.verdict import assert_sound

EFFECTS = ("pure", "idempotent", "unsafe")
SCENES: dict[str, tuple[str, ...]] = {
    "plain": ("launch", "claim", "reply", "start", "result", "finish"),
    "stopped": ("cancel_asked", "cancel"),
    "steered": ("message", "read_messages"),
    "drained": ("suspend",),
    "approved": ("park",),
    "deciding": ("decision", "claim"),
}
"""How a run reaches a boundary: by itself, because during the call a person stops it, sends it a message or stops its
host, because its call has to be approved, or after that approval."""
OF_TREES = {"launch_child", "await_child"}
"""Boundaries that only a run with child runs reaches; see `test_trees.py`."""
OF_WEBHOOKS = {"webhook_claim", "webhook_record"}
"""Boundaries of the sender of webhooks, which no run passes; see `test_webhooks.py`."""
OF_NOTIFICATIONS = {"notification_claim", "notification_record"}
"""Boundaries of the sender of notifications, which no run passes; see `test_notifications.py`."""
OF_SCHEDULES = {"tick", "schedule"}
"""Boundaries of what launches runs; see `test_schedules.py`."""
OF_TRIGGERS = {"delivery"}
"""Boundaries that only a delivery to a trigger passes; see `test_deliveries.py`."""
OF_ALERTS = {"alert_round"}
"""The boundary of the evaluation of alert rules; see `test_alert_rules.py`."""
OF_MESSAGES = {"before_message", "after_message"}
UNDECIDED = {"after_start", "in_call", "call_executed", "before_result"}
"""Points at which an unsafe call may or may not have happened."""
WORST = [("plain", "before_reply"), ("plain", "after_start"), ("deciding", "after_decision")]
"""The points of the short form, with an unsafe call."""
WORST_OF_MANY = WORST[1:]
"""Those with several processes: what was only asked for of a model is taken over as what was started is."""


def points_for(effect: str, *, short: list[tuple[str, str]] = WORST) -> list[tuple[str, str]]:
    """Every crash point that a run with one call of that effect passes, with its scene; in the short form `short`."""
    every = [
        (scene, f"{when}_{boundary}")
        for scene, boundaries in SCENES.items()
        for boundary in boundaries
        for when in ("before", "after")
        # A repeatable call starts with its proposal, and a run in an unsafe one is parked, not suspended.
        if (boundary, effect) not in (("start", "pure"), ("suspend", "unsafe"))
    ]
    return size(short=short, full=[*every, ("plain", "in_call"), ("plain", "call_executed")])


def test_no_boundary_is_left_out():
    of_scenes = {boundary for boundaries in SCENES.values() for boundary in boundaries}
    elsewhere = OF_TREES | OF_WEBHOOKS | OF_NOTIFICATIONS | OF_SCHEDULES | OF_TRIGGERS | OF_ALERTS
    assert of_scenes == set(BOUNDARIES) - elsewhere


@pytest.mark.parametrize("effect", size(short=("unsafe",), full=EFFECTS))
def test_a_server_that_dies_around_any_commit_is_survived(
    effect: str, start_chaos: Callable[..., ChaosSite], report: Callable[[str, str], None]
):
    report("E2", f"SQLite, {effect}: {die_everywhere(start_chaos(), effect, points_for(effect))}")


@pytest.mark.parametrize("effect", size(short=("unsafe",), full=EFFECTS))
def test_a_process_of_many_that_dies_around_any_commit_is_survived(
    effect: str, start_fleet: Callable[..., Fleet], report: Callable[[str, str], None]
):
    site = start_fleet(AGENTSITE_LEASE_S="1")
    report("E2", f"Postgres, {effect}: {die_everywhere(site, effect, points_for(effect, short=WORST_OF_MANY))}")


def die_everywhere(site: Attacked, effect: str, points: list[tuple[str, str]]) -> str:
    """Make a run die at each point and end after a restart; returns the figures."""
    undecided = [die_at(site, scene, point, effect) for scene, point in points]
    assert_sound(site.evidence())
    return f"{len(points)} of {len(points)} crash points survived, {sum(undecided)} undecided"


def die_at(site: Attacked, scene: str, point: str, effect: str) -> int:
    """Make a run die at the point and end after a restart; returns 1 if a person had to settle a call."""
    play(site, scene, point, effect)
    site.wait_for_a_death()
    assert site.disarm(), f"Nobody came past {point} ({scene})."
    (site.witness / "hold").unlink(missing_ok=True)
    site.start()
    site.wait_until(lambda: site.all_at_rest() or site.waits_for_approval())
    site.approve()
    site.wait_until(site.all_at_rest)
    undecided = site.stop_undecided()
    # A single process that dies when it is told something dies during the call; that of a request to stop is lost then.
    unknown = UNDECIDED | ({"before_cancel_asked", *OF_MESSAGES} if isinstance(site, ChaosSite) else set())
    assert undecided == (point in unknown and effect == "unsafe"), f"{point} ({scene}): {undecided} undecided"
    return undecided


def play(site: Attacked, scene: str, point: str, effect: str) -> None:
    """Bring a run to the point where its process dies."""
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
            match scene:
                case "stopped":
                    ask_to_stop(site)
                case "steered":
                    steer(site)
                    if point.endswith("read_messages"):
                        site.forbid("hold")
                case _:
                    site.terminate()


def hold(site: Attacked, task: str) -> None:
    """Launch a run that reaches its call, and stays in it."""
    site.allow("hold")
    site.launch(task)
    place = f"{task.split()[1]}/"
    site.wait_until(lambda: any(line.place.startswith(place) for line in site.starts()))


def ask_to_stop(site: Attacked) -> None:
    """Request a stop of the unfinished run. The site may die meanwhile."""
    tell(site, "cancel/")


def steer(site: Attacked) -> None:
    """Send a message to the unfinished run. The site may die meanwhile."""
    tell(site, "messages/", text="Be quick.")


def tell(site: Attacked, address: str, **fields: str) -> None:
    """Send the unfinished run a form."""
    with site.ask() as query:
        ((run,),) = query("SELECT id FROM runs_run WHERE status NOT IN ('completed', 'failed', 'cancelled')")
    with site.visitor() as visitor, suppress(OSError, HTTPException):
        visitor.post(f"/runs/{UUID(str(run))}/{address}", **fields)
