"""The socket of the dashboard: the whole state first, then each change, limited to visible runs."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from runs.live.live_timings import LiveTimings
from runs.models import Run
from tests.live.live_browser import end, ring

pytestmark = pytest.mark.django_db(transaction=True)

DASHBOARD = "/ws/dashboard/"


async def rows_of(socket) -> dict[str, str]:
    """The next frame with rows, as run id and HTML."""
    while "rows" not in (frame := await socket.frame()):
        pass
    return dict(frame["rows"])


async def test_the_whole_state_comes_first(watch, make_run, owner):
    working, done = make_run(owner, status="thinking"), make_run(owner, status="completed")
    socket = await watch(DASHBOARD, owner)

    rows = dict((await socket.frame())["rows"])
    counts = (await socket.frame())["counts"]

    assert set(rows) == {str(working.pk), str(done.pk)}
    assert f'data-run-row="{working.pk}" data-status="thinking"' in rows[str(working.pk)]
    assert "Running" in counts


async def test_a_change_comes_as_the_row_it_changes_and_the_new_counts(watch, make_run, owner):
    run = make_run(owner, status="thinking")
    make_run(owner, status="completed")
    socket = await watch(DASHBOARD, owner)
    await socket.frame()
    before = (await socket.frame())["counts"]

    end(run, "failed")
    await ring(run)

    heard: dict[str, Any] = {}
    while heard.keys() != {"rows", "counts"}:
        heard |= await socket.frame()  # In any order: a full read may come between the two.
    rows = dict(heard["rows"])
    assert list(rows) == [str(run.pk)]
    assert 'data-status="failed"' in rows[str(run.pk)]
    assert heard["counts"] != before


async def test_a_new_run_appears(watch, make_run, owner):
    make_run(owner)
    socket = await watch(DASHBOARD, owner)
    await socket.frame()
    await socket.frame()

    run = make_run(owner, status="idle")
    await ring(run)

    assert str(run.pk) in await rows_of(socket)


async def test_nobody_hears_of_another_users_runs_and_staff_hear_of_all(watch, make_run, owner, other, staff):
    run = make_run(owner, status="thinking", task="my secret task")
    mine, theirs, all_of_them = [await watch(DASHBOARD, user) for user in (owner, other, staff)]
    assert str(run.pk) in await rows_of(mine)
    assert str(run.pk) in await rows_of(all_of_them)
    assert "rows" not in await theirs.frame()

    end(run)
    await ring(run)

    assert 'data-status="completed"' in (await rows_of(mine))[str(run.pk)]
    assert "owner" in (await rows_of(all_of_them))[str(run.pk)]
    assert await theirs.hears_nothing()


@pytest.mark.parametrize("live_timings", [LiveTimings(poll_every_s=0.05)])
async def test_a_lost_ring_is_healed(hub, watch, make_run, owner):
    make_run(owner)
    socket = await watch(DASHBOARD, owner)
    await socket.frame()
    await socket.frame()

    run = make_run(owner, status="thinking")

    assert str(run.pk) in await rows_of(socket)


async def test_what_did_not_change_is_not_sent_again(hub, watch, make_run, owner):
    run = make_run(owner, status="thinking")
    socket = await watch(DASHBOARD, owner)
    await socket.frame()
    await socket.frame()

    for _ in range(3):
        await ring(run)
        hub.board.look_at_everything()

    assert await socket.hears_nothing()


async def test_the_page_shows_the_same_rows_as_the_socket(watch, make_run, owner, browser_of):
    earlier = timezone.now() - timedelta(days=2)  # Neither becomes a second older in between.
    run = make_run(owner, status="failed", severity="error", steps=3, created_at=earlier)
    socket = await watch(DASHBOARD, owner)

    row = (await rows_of(socket))[str(run.pk)]
    page = browser_of(owner).get("/").content.decode()

    assert row.strip() in page
    assert Run.objects.count() == 1
