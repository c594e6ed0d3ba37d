"""The frames that the engine sends for replies in the making."""

import asyncio
import uuid
from typing import Any

import pytest
from channels.layers import get_channel_layer

from runs import doorbell
from runs.agent.messages import Delta
from runs.engine.host_timings import DEFAULT_TIMINGS, HostTimings
from runs.engine.recording import reply_stream
from runs.engine.recording.reply_stream import ReplyStreams
from runs.engine.writing.writes import FENCED, Write, WriteOutcome
from tests.freed import freed, is_set

CARD = "1-1-1-1"


class Viewer:
    """A listener of a run, like a hub."""

    def __init__(self, run_id: uuid.UUID) -> None:
        self.run_id = run_id

    async def come(self) -> "Viewer":
        self.channel = await get_channel_layer().new_channel()
        await get_channel_layer().group_add(doorbell.run_group(self.run_id), self.channel)
        return self

    async def frame(self) -> dict[str, Any]:
        async with asyncio.timeout(5):
            message = await get_channel_layer().receive(self.channel)
        assert message["type"] == "doorbell.show" and message["run"] == str(self.run_id)
        frame: dict[str, Any] = message["frame"]
        return frame

    @property
    def has_mail(self) -> bool:
        return self.channel in get_channel_layer().channels


@pytest.fixture
async def sent():
    """The streams of a host, with a running sender."""
    streams = ReplyStreams()
    sending = asyncio.create_task(streams.send_for_ever())
    yield streams
    sending.cancel()


async def test_pieces_that_come_together_go_out_as_one_numbered_chunk(sent):
    stream = sent.open(uuid.uuid4())
    viewer = await Viewer(stream.run_id).come()

    stream.show(CARD, Delta("The "))
    assert await viewer.frame() == {"snap": [CARD, 1, "The "]}
    for word in ("tide ", "comes ", "🌊"):
        stream.show(CARD, Delta(word))

    assert await viewer.frame() == {"delta": [[CARD, 2, "tide comes 🌊"]]}


async def test_at_most_25_chunks_a_second_go_out(sent):
    stream = sent.open(uuid.uuid4())
    viewer = await Viewer(stream.run_id).come()
    loop = asyncio.get_running_loop()
    begun, frames = loop.time(), 0

    while loop.time() < begun + 0.5:
        stream.show(CARD, Delta("x"))
        await asyncio.sleep(0.001)
    while viewer.has_mail:
        await viewer.frame()
        frames += 1

    assert 3 <= frames <= 14


async def test_reasoning_is_told_from_text(sent):
    stream = sent.open(uuid.uuid4())
    viewer = await Viewer(stream.run_id).come()
    stream.show(CARD, Delta("Hm. ", "reasoning"))
    assert await viewer.frame() == {"snap": [CARD, 1, "Hm. "], "kinds": [["reasoning", 4]]}

    stream.show(CARD, Delta("Well.", "reasoning"))
    stream.show(CARD, Delta('{"a": 1}', "call"))
    stream.show(CARD, Delta("Yes"))

    assert await viewer.frame() == {
        "delta": [[CARD, 2, "Well."], [CARD, 3, "Yes"]],
        "kinds": ["reasoning", "text"],
    }


async def test_who_comes_later_gets_all_of_it_with_the_next_piece(sent):
    stream = sent.open(uuid.uuid4())
    for word in ("Nobody ", "hears ", "this "):
        stream.show(CARD, Delta(word))
        await asyncio.sleep(2 * DEFAULT_TIMINGS.pieces_every_s)
    viewer = await Viewer(stream.run_id).come()

    stream.show(CARD, Delta("yet"))

    (card, number, text) = (await viewer.frame())["snap"]
    assert (card, text) == (CARD, "Nobody hears this yet")
    stream.show(CARD, Delta("."))
    assert await viewer.frame() == {"delta": [[CARD, number + 1, "."]]}


async def test_open_cards_are_sent_whole_again_and_again():
    streams = ReplyStreams(HostTimings(snaps_every_s=0.05))
    sending = asyncio.create_task(streams.send_for_ever())
    stream = streams.open(uuid.uuid4())
    viewer = await Viewer(stream.run_id).come()

    stream.show(CARD, Delta("All"))

    for _ in range(3):
        assert await viewer.frame() == {"snap": [CARD, 1, "All"]}
    sending.cancel()


async def test_a_run_that_is_let_go_of_takes_its_open_cards_along(sent):
    stream = sent.open(uuid.uuid4())
    viewer = await Viewer(stream.run_id).come()
    stream.show(CARD, Delta("Half a sen"))
    await viewer.frame()

    stream.close()

    assert await viewer.frame() == {"snap": [CARD, 2, None]}
    stream.show(CARD, Delta("tence"))
    await asyncio.sleep(2 * DEFAULT_TIMINGS.pieces_every_s)
    assert not viewer.has_mail


async def test_a_card_is_not_taken_away_before_the_step_that_says_what_became_of_it(sent):
    stream = sent.open(uuid.uuid4())
    await Viewer(stream.run_id).come()
    stream.show(CARD, Delta("Half a sen"))
    assert stream.new_frames() != []

    stream.close()

    assert stream.new_frames() == []
    assert [frame.pieces for frame in stream.all_frames()] == [None]


async def test_a_reply_ends_every_lane_of_its_turn_and_a_failed_attempt_only_itself(sent):
    stream = sent.open(uuid.uuid4())
    viewer = await Viewer(stream.run_id).come()
    for card in ("1-1-1-1", "1-1-1-2", "1-1-2-1"):
        stream.show(card, Delta("x"))
    for _ in range(3):
        await viewer.frame()

    stream.end("1-1-1-1", whole_turn=False)
    assert [(frame.card, frame.pieces) for frame in stream.all_frames()] == [
        ("1-1-1-1", None),
        ("1-1-1-2", (("text", "x"),)),
        ("1-1-2-1", (("text", "x"),)),
    ]
    stream.end("1-1-2-1", whole_turn=True)
    assert [frame.pieces for frame in stream.all_frames()] == [None, None]


@pytest.mark.parametrize("outcome", [WriteOutcome("written"), FENCED], ids=["written", "refused"])
async def test_a_card_is_not_taken_away_before_the_step_that_takes_its_place_is_written(sent, outcome):
    stream = sent.open(uuid.uuid4())
    viewer = await Viewer(stream.run_id).come()
    stream.show(CARD, Delta("The tide"))
    assert await viewer.frame() == {"snap": [CARD, 1, "The tide"]}
    write = Write(run_id=stream.run_id, epoch=1)

    stream.end(CARD, whole_turn=False, write=write)
    stream.close()
    assert stream.all_frames() == []
    assert not stream.is_done
    write.outcome = outcome

    assert [(frame.card, frame.pieces) for frame in stream.all_frames()] == [(CARD, None)]
    assert stream.is_done


async def test_nothing_is_sent_for_a_run_nobody_watches(sent, monkeypatch):
    shown = []

    async def show(run_id, frame):
        shown.append(frame)

    monkeypatch.setattr(doorbell, "show", show)
    stream = sent.open(uuid.uuid4())

    stream.show(CARD, Delta("Nobody is there"))
    await asyncio.sleep(2 * DEFAULT_TIMINGS.pieces_every_s)
    stream.close()
    await asyncio.sleep(2 * DEFAULT_TIMINGS.pieces_every_s)

    assert shown == []


async def test_a_reply_beyond_what_anybody_reads_is_not_kept_whole(sent):
    stream = sent.open(uuid.uuid4())
    await Viewer(stream.run_id).come()

    for _ in range(100):
        stream.show(CARD, Delta("x" * 1000))

    [frame] = stream.all_frames()
    assert len(frame.as_json()["snap"][2]) < reply_stream.MAX_CARD_CHARS + 1000


async def test_who_begins_to_watch_gets_what_was_said_so_far_when_it_asks():
    streams = ReplyStreams(HostTimings(snaps_every_s=3600))
    sending = asyncio.create_task(streams.send_for_ever())
    stream, other = streams.open(uuid.uuid4()), streams.open(uuid.uuid4())
    viewer, neighbour = await Viewer(stream.run_id).come(), await Viewer(other.run_id).come()
    stream.show(CARD, Delta("The tide "))
    other.show(CARD, Delta("Another run."))
    # The first piece comes as a snap of its own.
    assert await viewer.frame() == {"snap": [CARD, 1, "The tide "]}
    assert await neighbour.frame() == {"snap": [CARD, 1, "Another run."]}

    await doorbell.ask_for_replies(stream.run_id)

    assert await viewer.frame() == {"snap": [CARD, 1, "The tide "]}
    assert not neighbour.has_mail
    sending.cancel()


async def test_a_reply_that_has_ended_is_freed_before_the_next_one_comes(sent):
    stream = sent.open(uuid.uuid4())
    viewer = await Viewer(stream.run_id).come()
    stream.show(CARD, Delta("The tide comes. " * 1000))
    await viewer.frame()
    stream.show(CARD, Delta("And goes."))
    await viewer.frame()  # The next turn of the sender, which listens by now.
    await doorbell.ask_for_replies(stream.run_id)
    assert "snap" in await viewer.frame()
    is_freed = freed(stream)

    stream.close()
    del stream

    assert await is_set(is_freed)
