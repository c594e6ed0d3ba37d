"""Replies that arrive faster than they can be read leave time on the event loop to other tasks."""

import asyncio
import time

import pytest

from runs.agent.messages import ModelRequest
from runs.agent.providers.event_streams import fair_share
from runs.agent.providers.event_streams.fair_share import Share, give_way_when
from runs.agent.providers.event_streams.server_sent_events import encoded
from tests.wire import Answer, Raw
from tests.wire.formats import FORMATS
from tests.wire.models import model_at

WORDS = 300


@pytest.mark.parametrize("wire_format", ["openai", "responses", "anthropic", "google"])
async def test_a_flood_of_small_events_gives_way_to_a_page_after_each_slice(wire_server, wire_format, monkeypatch):
    monkeypatch.setattr(fair_share, "SLICE_S", 0.0)
    monkeypatch.setattr(fair_share, "BREATH_S", 0.0)
    name = {"responses": "Responses", "openai": "ChatCompletions", "anthropic": "Messages", "google": "Gemini"}
    of_format = next(each for each in FORMATS if type(each).__name__ == name[wire_format])
    frames = of_format.frames(Answer("x " * WORDS), {})
    wire_server.script(Raw(b"".join(encoded(name, data) for name, data in frames)))
    asked = 0

    def is_awaited() -> bool:
        nonlocal asked
        asked += 1
        return True

    try:
        give_way_when(is_awaited)
        reply = await model_at(wire_server, wire_format).reply(ModelRequest(task="Hi"))
    finally:
        give_way_when(lambda: False)

    assert reply.text.count("x") == WORDS
    assert asked >= WORDS


async def test_the_more_is_read_at_once_the_longer_each_rests_while_somebody_waits_for_a_page(monkeypatch):
    rests = []

    async def sleep(seconds: float) -> None:
        rests.append(seconds)

    monkeypatch.setattr(fair_share, "SLICE_S", 0.0)
    monkeypatch.setattr(asyncio, "sleep", sleep)
    shares = [Share() for _ in range(3)]
    try:
        give_way_when(lambda: True)
        for share in shares:
            share.begin()
            await share.end()
        shares[0].close()
        await shares[1].end()
        give_way_when(lambda: False)
        await shares[2].end()
    finally:
        give_way_when(lambda: False)
        for share in shares:
            share.close()

    breath = fair_share.BREATH_S
    assert rests == [breath, 2 * breath, 3 * breath, 2 * breath, 0]


async def test_a_reply_that_is_waited_for_uses_up_no_slice(monkeypatch):
    moment = [100.0]
    monkeypatch.setattr(time, "perf_counter", lambda: moment[0])
    monkeypatch.setattr(fair_share, "_is_awaited", lambda: pytest.fail("it has not used its slice"))
    share = Share()

    for _ in range(30):
        moment[0] += 60  # the server pauses
        share.begin()
        moment[0] += fair_share.SLICE_S / 100
        await share.end()
