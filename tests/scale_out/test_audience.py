"""Reply text is sent to Redis only for runs with viewers, in whichever process they are."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import uuid4

import pytest
from channels import layers

from runs import doorbell
from runs.agent.concurrency.tasks import cancel_and_wait
from runs.agent.messages import Delta
from runs.engine.host_timings import DEFAULT_TIMINGS, HostTimings
from runs.engine.recording.reply_stream import ReplyStreams
from runs.redis_layer import RedisLayer
from tests.services import REDIS_URL, need_services

CARD = "1-1-1-1"


@pytest.fixture
async def two_processes(monkeypatch: pytest.MonkeyPatch, settings: Any) -> AsyncIterator[tuple[RedisLayer, RedisLayer]]:
    """The channel layers of a worker (this process) and of a web server."""
    need_services()
    settings.IS_SCALE_OUT = True
    prefix = f"agentsite-test-{secrets.token_hex(6)}"
    worker, web = (RedisLayer(hosts=[{"address": REDIS_URL}], prefix=prefix) for _ in range(2))
    monkeypatch.setattr(layers.channel_layers, "backends", {"default": worker})
    yield worker, web
    for layer in (worker, web):
        await layer.flush()


async def test_a_run_is_watched_from_the_moment_a_viewer_comes_until_it_goes(
    two_processes: tuple[RedisLayer, RedisLayer],
) -> None:
    _, web = two_processes
    seen, unseen = uuid4(), uuid4()
    viewer = await web.new_channel()

    await web.group_add(doorbell.run_group(seen), viewer)
    meanwhile = await doorbell.unwatched([seen, unseen])
    await web.group_discard(doorbell.run_group(seen), viewer)

    assert meanwhile == {unseen}
    assert await doorbell.unwatched([seen, unseen]) == {seen, unseen}


async def test_looking_for_viewers_ends_with_the_first_cancellation(
    two_processes: tuple[RedisLayer, RedisLayer],
) -> None:
    async def look() -> None:
        while True:
            await doorbell.unwatched([uuid4()])

    for turns in range(60):  # a client of Redis loses a cancellation in some of them
        looking = asyncio.create_task(look())
        for _ in range(turns):
            await asyncio.sleep(0)
        looking.cancel()
        async with asyncio.timeout(10):
            await asyncio.wait([looking])
        assert looking.cancelled()


async def looked(is_known: Callable[[], bool]) -> None:
    """Return once a poll of Redis has changed the value."""
    while not is_known():  # noqa: ASYNC110 - a poll notifies nobody
        await asyncio.sleep(0.01)


async def test_words_nobody_hears_are_not_sent_and_who_comes_later_gets_them_all(
    two_processes: tuple[RedisLayer, RedisLayer], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, web = two_processes
    sent: list[str] = []
    show = doorbell.show

    async def note(run_id: Any, frame: dict[str, Any]) -> None:
        sent.append(str(run_id))
        await show(run_id, frame)

    monkeypatch.setattr(doorbell, "show", note)
    streams = ReplyStreams(HostTimings(audience_every_s=0.01))
    sending = asyncio.create_task(streams.send_for_ever())
    stream = streams.open(uuid4())
    async with asyncio.timeout(10):
        await looked(lambda: stream.is_unwatched)
        stream.show(CARD, Delta("Nobody hears "))
        await asyncio.sleep(2 * DEFAULT_TIMINGS.pieces_every_s)
        unheard = list(sent)
        viewer = await web.new_channel()
        await web.group_add(doorbell.run_group(stream.run_id), viewer)
        await looked(lambda: not stream.is_unwatched)
        stream.show(CARD, Delta("this."))
        message = await web.receive(viewer)
    await cancel_and_wait([sending])  # otherwise it would query Redis after the fixture has closed the connection

    assert unheard == []
    assert message["frame"]["snap"][2] == "Nobody hears this."
