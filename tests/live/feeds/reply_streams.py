"""Inputs for the state machines of replies in the making: cases from a file, and generated ones.

An input is a frame as sent (`frame`), the names of the cards or turns that a step ends (`ends`), the moment after which
open cards need a new frame (`doubt`), or the removal of cards without one (`forget`).
"""

import json
import uuid
from collections.abc import Iterable
from itertools import count
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from runs.live.feeds.reply_state import ReplyState
from runs.models import Step
from runs.reply_frames import Block, BlocksFrame, Chunk, DeltaFrame, Piece, ReplyFrame, SnapFrame, read_reply_frame

Input = dict[str, Any]
Open = list[list[Any]]
"""The open cards in order, each with its pieces and blocks: `[card, [[kind, text], …], [[piece, end, html], …]]`."""

_CASES = json.loads((Path(__file__).parent / "reply_stream_cases.json").read_text())
STREAMS: list[dict[str, Any]] = _CASES["streams"]
STEPS: list[dict[str, Any]] = _CASES["steps"]


def expected(case: dict[str, Any]) -> list[Open]:
    """The open cards after each input of a case. A text alone is one piece of text; `blocks` has those of cards."""
    return [
        [
            [card, [["text", said]] if isinstance(said, str) else said, each.get("blocks", {}).get(card, [])]
            for card, said in each["open"].items()
        ]
        for each in case["inputs"]
    ]


def step_of(case: dict[str, Any]) -> Step:
    """The step of a case."""
    return Step(run_id=uuid.UUID(int=1), sequence=1, turn=1, kind=case["kind"], content="x", metadata=case["metadata"])


class Machine:
    """The machine in Python, with a clock that advances with every read."""

    def __init__(self) -> None:
        self._clock = count(1.0)
        self._doubted_at = 0.0
        self.state = ReplyState(lambda: next(self._clock))

    def take_in(self, given: Input) -> list[ReplyFrame]:
        """Apply an input. Returns the frames to pass on."""
        match given:
            case {"frame": frame}:
                return self.state.hear(read_reply_frame(frame))
            case {"ends": ends}:
                self.state.end(ends)
            case {"doubt": True}:
                self._doubted_at = next(self._clock)
            case {"forget": True}:
                return self.state.forget_unheard(self._doubted_at)
        return []

    @property
    def open(self) -> Open:
        """The open cards."""
        return [
            [card, [list(piece) for piece in reply.pieces], [list(block) for block in reply.blocks]]
            for card, reply in self.state.open.items()
        ]


def open_after_each(inputs: Iterable[Input]) -> list[Open]:
    """The open cards of the Python machine after each input."""
    machine, opened = Machine(), []
    for each in inputs:
        machine.take_in(each)
        opened.append(machine.open)
    return opened


TURNS = st.builds("{}-{}".format, st.integers(1, 2), st.integers(1, 3))
CARDS = st.builds("{}-{}-1".format, TURNS, st.integers(1, 2))
NUMBERS = st.sampled_from([1, 1, 1, 2, 2, 3, 4])
PIECES: st.SearchStrategy[Piece] = st.tuples(
    st.sampled_from(["text", "text", "reasoning"]), st.text(alphabet="ab\n🌊é", max_size=4)
)
BLOCKS = st.builds(Block, st.integers(0, 1), st.integers(1, 5), st.sampled_from(["<p>a</p>", "<p>🌊</p>"]))
FRAMES: st.SearchStrategy[ReplyFrame] = st.one_of(
    st.builds(DeltaFrame, st.lists(st.builds(Chunk, CARDS, NUMBERS, PIECES), min_size=1, max_size=5)),
    st.builds(SnapFrame, CARDS, NUMBERS, st.one_of(st.none(), st.lists(PIECES, min_size=1, max_size=3))),
    st.builds(BlocksFrame, CARDS, st.integers(0, 2), st.lists(BLOCKS, max_size=2)),
)
STREAM: st.SearchStrategy[list[Input]] = st.lists(
    st.one_of(
        FRAMES.map(lambda frame: {"frame": frame.as_json()}),
        FRAMES.map(lambda frame: {"frame": frame.as_json()}),
        st.lists(st.one_of(CARDS, TURNS), min_size=1, max_size=2).map(lambda ends: {"ends": ends}),
        st.sampled_from([{"doubt": True}, {"forget": True}]),
    ),
    max_size=20,
)
"""Any frames in any order, of few cards, so that most of them concern the same cards."""
