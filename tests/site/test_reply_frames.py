"""The frames of replies in the making, and their JSON."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runs.reply_frames import (
    Block,
    BlocksFrame,
    Chunk,
    DeltaFrame,
    Piece,
    ReplyFrame,
    SnapFrame,
    joined,
    read_reply_frame,
    turn_name,
    turn_of,
)

CARD = "3-12-1-2"
PIECES: st.SearchStrategy[Piece] = st.tuples(st.sampled_from(["text", "reasoning"]), st.text(max_size=5))
CHUNKS = st.builds(Chunk, st.just(CARD), st.integers(1, 9), PIECES)


BLOCKS = st.builds(Block, st.integers(0, 3), st.integers(1, 99), st.text(max_size=5))


@given(
    st.one_of(
        st.builds(DeltaFrame, st.lists(CHUNKS)),
        st.builds(SnapFrame, st.just(CARD), st.just(1), st.none()),
        st.builds(BlocksFrame, st.just(CARD), st.integers(0, 9), st.lists(BLOCKS)),
    )
)
def test_a_frame_that_was_sent_is_read_as_it_was(frame: ReplyFrame) -> None:
    assert read_reply_frame(json.loads(json.dumps(frame.as_json()))) == frame


@given(st.lists(PIECES))
def test_a_snap_that_was_sent_says_the_same_of_each_kind(pieces: list[Piece]) -> None:
    read = read_reply_frame(json.loads(json.dumps(SnapFrame(CARD, 4, pieces).as_json())))

    assert isinstance(read, SnapFrame) and read.pieces is not None
    assert _without_empty(read.pieces) == _without_empty(pieces)


@pytest.mark.parametrize(
    ("frame", "sent"),
    [
        (DeltaFrame([Chunk(CARD, 2, ("text", "a"))]), {"delta": [[CARD, 2, "a"]]}),
        (SnapFrame(CARD, 2, [("text", "a"), ("text", "b")]), {"snap": [CARD, 2, "ab"]}),
        (SnapFrame(CARD, 3, None), {"snap": [CARD, 3, None]}),
        (
            DeltaFrame([Chunk(CARD, 1, ("reasoning", "a")), Chunk(CARD, 2, ("text", "b"))]),
            {"delta": [[CARD, 1, "a"], [CARD, 2, "b"]], "kinds": ["reasoning", "text"]},
        ),
        (
            SnapFrame(CARD, 2, [("reasoning", "🌊"), ("text", "b")]),
            {"snap": [CARD, 2, "🌊b"], "kinds": [["reasoning", 1], ["text", 1]]},
        ),
    ],
)
def test_kinds_are_sent_only_where_not_everything_is_text(frame: ReplyFrame, sent: dict[str, object]) -> None:
    assert frame.as_json() == sent


def test_a_card_tells_its_claim_and_its_turn() -> None:
    assert turn_of(CARD) == (3, 12)
    assert turn_name(CARD) == "3-12"


def _without_empty(pieces: object) -> list[Piece]:
    assert isinstance(pieces, list)
    return joined(piece for piece in pieces if piece[1])
