"""A run that nobody watches any more, and a socket that has closed, keep no memory until the next ones come."""

import pytest

from runs.live.live_timings import LiveTimings
from tests.freed import freed, is_set

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def live_timings() -> LiveTimings:
    """Timings of a hub that has looked at its sockets and runs before the test's first frame is read."""
    return LiveTimings(ping_every_s=0.01, poll_every_s=0.01)


async def test_the_hub_frees_the_steps_of_the_last_run_and_the_last_socket(hub, watch, make_run, owner):
    run = make_run(owner, status="thinking", steps=3)
    socket = await watch(run, owner)
    await socket.state()
    (follower,) = hub.sockets._open
    are_freed = [freed(hub._feeds[run.pk]._cache), freed(follower)]
    del follower
    while "ping" not in await socket.frame():
        pass

    await socket.leave()

    assert [await is_set(event) for event in are_freed] == [True, True]
