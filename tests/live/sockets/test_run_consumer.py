"""A socket to a run: nothing lost, nothing twice, in order, under all conditions."""

import asyncio

import pytest
from channels.layers import get_channel_layer

from runs.live.live_timings import LiveTimings
from runs.live.rendering import fragments
from runs.live.rendering.fragments import step_html
from runs.live.sockets import close_codes as codes
from tests.live.live_browser import add_steps, end, ring

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def run(make_run, owner):
    """A hosted run with three steps."""
    return make_run(owner, status="thinking", steps=3)


async def test_steps_missed_are_sent_first_and_then_the_state(watch, run, owner):
    socket = await watch(run, owner, after=1)

    assert [step[0] for step in (await socket.frame())["steps"]] == [2, 3]
    state = await socket.frame()
    assert state["at"] == 3
    assert 'data-run-status="thinking"' in state["state"]


async def test_without_a_sequence_everything_is_sent(watch, run, owner):
    socket = await watch(run, owner)

    assert await socket.steps_up_to(3) == [1, 2, 3]


async def test_a_sequence_beyond_the_last_means_the_last(watch, run, owner):
    socket = await watch(run, owner, after=10**12)
    await socket.state()

    add_steps(run, 1)
    await ring(run)

    assert await socket.steps_up_to(4) == [4]


@pytest.mark.parametrize("live_timings", [LiveTimings(poll_every_s=60)])
async def test_a_recorded_step_comes_as_it_is_rung_for(watch, run, owner, hub):
    socket = await watch(run, owner, after=3)
    await socket.state()

    for number in (4, 5, 6):
        add_steps(run, 1)
        await ring(run)
        assert await socket.steps_up_to(number) == [number]


async def test_a_long_run_is_replayed_in_frames_of_at_most_a_hundred_steps(watch, make_run, owner):
    run = make_run(owner, steps=430)
    socket = await watch(run, owner)

    frames, code = await socket.to_the_end()

    pages = [[step[0] for step in frame["steps"]] for frame in frames if "steps" in frame]
    assert [len(page) for page in pages] == [100, 100, 100, 100, 30]
    assert [number for page in pages for number in page] == list(range(1, 431))
    assert frames[-1]["at"] == 430
    assert code == codes.ENDED


async def test_steps_recorded_during_a_replay_are_neither_lost_nor_doubled(watch, make_run, owner):
    run = make_run(owner, status="thinking", steps=350)
    socket = await watch(run, owner)

    seen = await socket.steps_up_to(100)
    while run.last_sequence < 420:
        add_steps(run, 10)
        await ring(run)
    seen += await socket.steps_up_to(420)

    assert seen == list(range(1, 421))


async def test_the_final_state_comes_last_and_then_the_socket_ends(watch, run, owner):
    socket = await watch(run, owner, after=3)
    await socket.state()

    add_steps(run, 250)
    end(run)
    await ring(run)
    frames, code = await socket.to_the_end()

    assert [step[0] for frame in frames for step in frame.get("steps", [])] == list(range(4, 254))
    assert "state" in frames[-1]
    assert frames[-1]["at"] == 253
    assert 'data-run-status="completed"' in frames[-1]["state"]
    assert code == codes.ENDED


async def test_a_state_never_comes_before_the_steps_it_speaks_of(watch, run, owner):
    socket = await watch(run, owner, after=0)
    for status in ["executing", "thinking"] * 10:
        add_steps(run, 7)
        run.status = status
        run.save(update_fields=["status"])
        await ring(run)
        await asyncio.sleep(0)
    end(run)
    await ring(run)

    frames, _ = await socket.to_the_end()

    last = 0
    for frame in frames:
        last = frame["steps"][-1][0] if "steps" in frame else last
        assert frame.get("at", 0) <= last
    assert last == 143


@pytest.mark.parametrize("live_timings", [LiveTimings(poll_every_s=0.05)])
async def test_a_lost_ring_is_healed_by_the_slow_poll(hub, watch, run, owner):
    socket = await watch(run, owner, after=3)
    await socket.state()

    add_steps(run, 2)

    assert await socket.steps_up_to(5) == [4, 5]


async def test_a_message_that_expired_on_the_channel_does_not_leave_the_viewer_deaf(hub, watch, run, owner):
    socket = await watch(run, owner, after=3)
    await socket.state()

    # The in-memory layer does this when a message expires: it removes the channel from every group, for good.
    await get_channel_layer().flush()
    add_steps(run, 1)
    await ring(run)

    assert await socket.steps_up_to(4) == [4]


@pytest.mark.parametrize("live_timings", [LiveTimings(listen_again_after_s=0.01)])
async def test_a_layer_that_fails_is_listened_to_again(hub, watch, run, owner, monkeypatch):
    socket = await watch(run, owner, after=3)
    await socket.state()
    layer = get_channel_layer()
    listens_again = asyncio.Event()
    receive = layer.receive

    async def fail_once(channel):
        monkeypatch.setattr(layer, "receive", receive)
        listens_again.set()
        raise ConnectionError("The layer is gone.")

    monkeypatch.setattr(layer, "receive", fail_once)
    await ring(run)
    await listens_again.wait()
    add_steps(run, 1)
    await ring(run)

    assert await socket.steps_up_to(4) == [4]


async def test_after_a_resync_the_steps_come_again_from_there(watch, run, owner):
    socket = await watch(run, owner, after=0)
    assert await socket.steps_up_to(3) == [1, 2, 3]
    await socket.state()

    await socket.say({"resync": 1})

    assert await socket.steps_up_to(3) == [2, 3]


async def test_a_ping_is_answered(watch, run, owner):
    socket = await watch(run, owner)
    await socket.state()

    await socket.say({"ping": 0})

    assert list(await socket.frame()) == ["ping"]


async def test_steps_and_state_can_be_asked_for_as_json(watch, run, owner):
    socket = await watch(run, owner, after=2, format="json")

    [[sequence, step]] = (await socket.frame())["steps"]
    state = await socket.state()

    assert (sequence, step["sequence"], step["kind"], step["content"]) == (3, 3, "reasoning", "Thought 3.")
    assert "replay" not in step
    assert (state["state"]["id"], state["state"]["status"]) == (str(run.pk), "thinking")


async def test_viewers_of_both_formats_at_once_get_every_step(watch, run, owner):
    sockets = [await watch(run, owner, after=3, format=style) for style in ("html", "json", "html")]
    for socket in sockets:
        await socket.state()

    add_steps(run, 120)
    await ring(run)

    for socket in sockets:
        assert await socket.steps_up_to(123) == list(range(4, 124))


async def test_many_viewers_cost_one_read_and_one_rendering(hub, watch, run, owner, monkeypatch):
    sockets = [await watch(run, owner, after=3) for _ in range(20)]
    for socket in sockets:
        await socket.state()
    rendered = []

    def count(step):
        rendered.append(step.sequence)
        return step_html(step)

    monkeypatch.setattr(fragments, "step_html", count)

    add_steps(run, 1)
    await ring(run)

    for socket in sockets:
        assert await socket.steps_up_to(4) == [4]
    assert rendered == [4]


@pytest.mark.parametrize("live_timings", [LiveTimings(behind_limit_s=0.2)])
async def test_a_reader_that_does_not_acknowledge_is_told_that_it_is_behind_and_then_closed(watch, make_run, owner):
    run = make_run(owner, status="thinking", steps=0)
    last = add_steps(run, 300, content="long " * 600)
    socket = await watch(run, owner)

    heard = [await socket.frame()]
    while "head" not in heard[-1]:
        heard.append(await socket.frame())
    while (message := await socket.message())["type"] == "websocket.send":
        pass

    assert heard[-1]["head"] == last
    assert message["code"] == codes.TOO_SLOW


async def test_a_slow_reader_gets_everything_once_it_acknowledges(watch, make_run, owner):
    run = make_run(owner, status="thinking", steps=0)
    add_steps(run, 400, content="long " * 600)
    socket = await watch(run, owner)

    assert await socket.steps_up_to(400) == list(range(1, 401))


async def test_a_run_that_is_deleted_ends_its_sockets(watch, run, owner):
    socket = await watch(run, owner, after=3)
    await socket.state()

    run.steps.all().delete()
    run.delete()
    await ring(run)

    assert await socket.closing_code() == codes.NO_SUCH_RUN


async def test_nobody_watching_leaves_nothing_behind(hub, watch, run, owner):
    sockets = [await watch(run, owner) for _ in range(3)]
    for socket in sockets:
        await socket.state()

    for socket in sockets:
        await socket.leave()

    assert len(hub.sockets) == 0
    assert not hub.is_watched(run.pk)
