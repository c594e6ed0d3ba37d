"""A browser's acknowledgements are accepted only if they can be true."""

import asyncio

import pytest

from runs.live.feeds import dashboard_feed as board_feed
from runs.live.feeds.frames import BadFrame, Frame
from runs.live.live_timings import LiveTimings
from runs.live.sockets import base_consumer as socket_consumer
from runs.live.sockets import close_codes as codes
from runs.live.sockets.flow_control import MAX_BYTES, SendWindow
from runs.models import Run
from tests.live.live_browser import Socket, add_steps, ring, session_of

pytestmark = pytest.mark.django_db(transaction=True)


class FullBuffer:
    """A connection that takes no data until `empty`."""

    def __init__(self) -> None:
        self.has_room = False
        self._has_room = asyncio.Event()

    async def wait_for_room(self) -> None:
        await self._has_room.wait()

    def empty(self) -> None:
        self.has_room = True
        self._has_room.set()


@pytest.fixture
def run(make_run, owner):
    """A hosted run with three steps."""
    return make_run(owner, status="thinking", steps=3)


@pytest.mark.parametrize("words", [{"ack": 4}, {"ack": 2**31 - 1}, {"resync": 4}, {"resync": 2**31 - 1}])
async def test_a_step_that_was_never_sent_can_not_be_acknowledged(watch, run, owner, words):
    socket = await watch(run, owner)
    await socket.state()

    await socket.say(words)

    assert await socket.closing_code() == codes.BAD_FRAME


async def test_an_acknowledgement_can_not_be_taken_back(watch, run, owner):
    socket = await watch(run, owner)
    await socket.state()

    await socket.say({"ack": 3})
    await socket.say({"ack": 3})
    assert await socket.hears_nothing()
    await socket.say({"ack": 2})

    assert await socket.closing_code() == codes.BAD_FRAME


async def test_a_dashboard_has_nothing_to_acknowledge(watch, run, owner):
    socket = await watch("/ws/dashboard/", owner)
    await socket.frame()
    await socket.frame()

    await socket.say({"ack": 0})

    assert await socket.closing_code() == codes.BAD_FRAME


def test_a_resync_opens_no_window():
    window = SendWindow()
    window.add(Frame("", MAX_BYTES, 1, 100))

    window.go_back(0)
    window.go_back(100)

    assert not window.is_open
    with pytest.raises(BadFrame):
        window.go_back(101)


@pytest.mark.parametrize("path", ["/ws/dashboard/", None])
async def test_who_wants_everything_again_and_again_is_closed(watch, run, owner, path):
    socket = await watch(path or run, owner)
    await socket.frame()

    for _ in range(int(socket_consumer.RESYNCS_AT_ONCE) + 1):
        await socket.say({"resync": 0})
    while (message := await socket.message())["type"] == "websocket.send":
        pass

    assert message["code"] == codes.TOO_FAST


@pytest.fixture
async def full(hub):
    """`await full(path, user)`: an open socket whose connection takes no data, and that connection."""
    opened = []

    async def open_one(path, user):
        socket = Socket(path, session_of(user))
        buffer = FullBuffer()
        socket._wire.scope["write_buffer"] = buffer
        opened.append(await socket.open())
        return socket, buffer

    yield open_one
    for socket in opened:
        await socket.leave()


async def test_nothing_is_written_to_a_connection_that_takes_nothing_and_everything_once_it_does(full, run, owner):
    socket, buffer = await full(f"/ws/runs/{run.pk}/", owner)
    assert "head" in await socket.frame()

    add_steps(run, 2)
    run.status = "executing"
    run.save(update_fields=["status"])
    await ring(run)
    assert await socket.hears_nothing()
    buffer.empty()

    assert await socket.steps_up_to(5) == [1, 2, 3, 4, 5]
    assert (await socket.state())["at"] == 5


async def test_a_dashboard_that_takes_nothing_gets_its_whole_state_later(full, make_run, run, owner):
    socket, buffer = await full("/ws/dashboard/", owner)
    assert await socket.hears_nothing()

    another = make_run(owner, status="thinking")
    await ring(another)
    buffer.empty()

    shown: set[str] = set()
    while shown != {str(run.pk), str(another.pk)}:  # In one frame, or in two if the first was read before the ring.
        shown |= {row[0] for row in (await socket.frame()).get("rows", [])}


@pytest.mark.parametrize("live_timings", [LiveTimings(dashboard_every_s=0.01)])
async def test_those_who_come_again_and_again_do_not_keep_the_others_dashboards(hub, watch, make_run, owner, other):
    run, has_shown_greedy = make_run(owner, status="thinking"), asyncio.Event()
    dashboard = await watch("/ws/dashboard/", owner)
    await dashboard.frame()
    await dashboard.frame()

    class Greedy:
        """Subscribes again whenever it is shown anything."""

        user, language = other, "en"

        async def show(self, _text: str) -> None:
            has_shown_greedy.set()
            hub.board.add(self)

    for _ in range(20):
        hub.board.add(Greedy())
    make_run(other)
    Run.objects.filter(pk=run.pk).update(status="executing")
    await ring(run)

    rows = dict((await dashboard.frame())["rows"])
    assert 'data-status="executing"' in rows[str(run.pk)]
    async with asyncio.timeout(10):
        await has_shown_greedy.wait()


async def test_the_dashboards_of_one_person_are_read_once_however_many_come(hub, watch, make_run, owner, monkeypatch):
    make_run(owner)
    reads = []
    read = board_feed._read_everything
    shown: asyncio.Queue[str] = asyncio.Queue()

    def count(audience):
        reads.append(audience)
        return read(audience)

    monkeypatch.setattr(board_feed, "_read_everything", count)

    class Watcher:
        user, language = owner, "en"

        async def show(self, text: str) -> None:
            shown.put_nowait(text)

    for _ in range(30):
        hub.board.add(Watcher())
    async with asyncio.timeout(5):
        for _ in range(60):
            await shown.get()

    assert len(reads) <= 2  # A full read may come between.
