"""Frames of sockets, and their flow control."""

import asyncio
import json

import pytest

from runs.live.feeds import frames
from runs.live.feeds.frames import BadFrame, Frame, read_client_frame
from runs.live.sockets.flow_control import MAX_BYTES, MAX_FRAMES, SendWindow


@pytest.mark.parametrize(
    ("text", "meaning"),
    [('{"ack": 3}', ("ack", 3)), ('{"resync":0}', ("resync", 0)), ('{"ping": 0}', ("ping", 0))],
)
def test_acknowledgements_resyncs_and_pings_are_understood(text, meaning):
    assert read_client_frame(text) == meaning


@pytest.mark.parametrize(
    "text",
    [
        None, "", "{}", "[]", "3", "null", "NaN", "true", '"ack"', "{", '{"ack": NaN}', '{"ack": -1}',
        '{"ack": Infinity}', '{"ack": 1.5}', '{"ack": true}', '{"ack": "1"}', '{"ack": null}', '{"ack": 99999999999}',
        '{"ack": 1, "x": 2}', '{"ping": 1}', '{"ping": false}', '{"ping": 0.0}', '{"ping": 0, "ack": 1}',
        '{"ack": 1, "resync": 1}', '{"cancel": 1}', '{"ack": [1]}', "[" * 60, '{"ack":' * 9, "[" * 1000, "9" * 5000,
        '{"ack": ' + "9" * 5000 + "}", "\x00", "\ud800",
    ],
)  # fmt: skip
def test_anything_else_is_a_bad_frame(text):
    with pytest.raises(BadFrame):
        read_client_frame(text)


def test_a_frame_holds_at_most_a_hundred_steps():
    entries = [frames.entry(number, "x") for number in range(1, 251)]

    assert [len(frames.one_frame_of(entries[start:])) for start in (0, 100, 200)] == [100, 100, 50]


def test_a_frame_holds_at_most_256_kib_unless_one_step_alone_is_larger():
    small = [frames.entry(number, "x" * 50_000) for number in range(1, 10)]
    large = [frames.entry(1, "é" * 200_000), frames.entry(2, "x")]

    assert frames.steps_frame(frames.one_frame_of(small)).size <= frames.MAX_FRAME_BYTES
    assert len(frames.one_frame_of(small)) == 5
    assert len(frames.one_frame_of(large)) == 1


def test_the_size_of_a_frame_is_its_bytes_on_the_wire():
    frame = frames.steps_frame([frames.entry(1, "é" * 10), frames.entry(2, "😀")])

    assert abs(len(frame.text.encode()) - frame.size) <= 2
    assert json.loads(frame.text) == {"steps": [[1, "é" * 10], [2, "😀"]]}


def test_half_a_surrogate_pair_is_escaped_rather_than_refused():
    assert json.loads(frames.entry(1, "\ud800").text.encode()) == [1, "\ud800"]


def test_a_window_closes_at_200_frames_and_opens_as_they_are_acknowledged():
    window = SendWindow()
    for number in range(1, MAX_FRAMES + 1):
        assert window.is_open
        window.add(Frame("", 10, number, number))

    assert not window.is_open
    window.acknowledge(1)
    assert window.is_open


async def test_a_window_closes_at_256_kib_and_wakes_whoever_waits_for_it():
    window = SendWindow()
    window.add(Frame("", MAX_BYTES, 1, 100))
    assert not window.is_open

    waiting = asyncio.create_task(window.wait_until_open())
    window.acknowledge(99)
    assert not window.is_open
    window.acknowledge(100)

    async with asyncio.timeout(1):
        await waiting
