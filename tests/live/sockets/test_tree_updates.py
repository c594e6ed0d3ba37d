"""The page of a run in a tree hears of the other runs in it."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from django.contrib.auth.models import User

from runs import doorbell
from runs.live.live_timings import LiveTimings
from runs.models import Run
from tests.live.live_browser import add_steps, end, ring

pytestmark = pytest.mark.django_db(transaction=True)

DEAF = LiveTimings(poll_every_s=60)
"""Only rings bring news."""


def row_of(state: str, run: Run) -> str:
    """The row of a run in the tree of a state."""
    return state.split(f'data-tree-run="{run.pk}"')[1].partition("</li>")[0]


@pytest.fixture
def run(make_run: Callable[..., Run], owner: User) -> Run:
    """A run that waits for child runs."""
    return make_run(owner, status="waiting", waiting_for="child", config={"models": ["priced"], "agent": "Boss"})


@pytest.mark.parametrize("live_timings", [DEAF])
async def test_a_change_of_a_child_reaches_the_pages_of_all_runs_of_the_tree(
    watch, run: Run, add_child, owner: User
) -> None:
    child, beside = (add_child(run, status="thinking", task=task) for task in ("Dig.", "Build."))
    below = add_child(child, status="thinking", task="Fetch.", agent_name="Helper")
    sockets = [await watch(each, owner) for each in (run, child, beside)]
    for socket in sockets:
        assert 'data-status="thinking"' in row_of((await socket.state())["state"], below)

    Run.objects.filter(pk=below.pk).update(status="completed", owner=None, cost=Decimal("0.25"))
    await doorbell.ring_dashboard(below.pk)

    for socket in sockets:
        row = row_of((await socket.state())["state"], below)
        assert 'data-status="completed"' in row
        assert "$0.25" in row


@pytest.mark.parametrize("live_timings", [DEAF])
async def test_the_first_child_of_a_run_appears_on_its_open_page(watch, make_run, add_child, owner: User) -> None:
    run = make_run(owner, status="executing", config={"models": ["priced"], "agent": "Boss", "agents": ["Worker"]})
    socket = await watch(run, owner)
    assert "data-tree-run" not in (await socket.state())["state"]

    child = add_child(run, status="idle")
    await ring(run)

    assert "Queued" in row_of((await socket.state())["state"], child)


@pytest.mark.parametrize("live_timings", [LiveTimings(poll_every_s=0.05)])
async def test_a_lost_ring_of_a_child_is_healed_by_the_slow_poll(watch, run: Run, add_child, owner: User) -> None:
    child = add_child(run, status="thinking")
    socket = await watch(run, owner)
    await socket.state()

    Run.objects.filter(pk=child.pk).update(status="failed", owner=None)

    assert 'data-status="failed"' in row_of((await socket.state())["state"], child)


async def test_a_reader_of_json_hears_nothing_of_other_runs(watch, run: Run, add_child, owner: User) -> None:
    child = add_child(run, status="thinking")
    socket = await watch(run, owner, format="json")
    first = await socket.state()

    Run.objects.filter(pk=child.pk).update(cost=Decimal("0.25"))
    await doorbell.ring_dashboard(child.pk)

    assert await socket.hears_nothing()
    add_steps(run, 1)
    await ring(run)
    assert (await socket.state())["at"] == first["at"] + 1


@pytest.mark.parametrize("live_timings", [DEAF])
async def test_a_run_alone_is_not_read_when_others_change(hub, watch, make_run, owner: User) -> None:
    alone, other = (make_run(owner, status="thinking") for _ in range(2))
    socket = await watch(alone, owner)
    await socket.state()

    end(other)
    await doorbell.ring_dashboard(other.pk)

    assert await socket.hears_nothing()
    assert not any(feed.shows(other.pk) for feed in hub._feeds.values())
