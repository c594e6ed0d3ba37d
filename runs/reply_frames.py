"""Frames of replies in the making, sent from the host to viewers: over the doorbell and over sockets.

A *card* (`epoch-turn-attempt-lane`) is one reply in the making. There are three kinds of frames, as JSON:

- `{"delta": [[card, number, text], …]}`: new pieces, in chunks numbered from 1 for each card. `kinds` beside them has
  one word per chunk.
- `{"snap": [card, number, text]}`: the whole text of a card up to that chunk. `kinds` beside it has
  `[kind, characters]` for each piece. Text `null` removes the card.
- `{"blocks": [card, first, [[piece, end, html], …]]}`: rendered blocks of its Markdown, from block `first` on. A block
  ends at character `end` of that piece of the card (adjacent pieces of one kind are one). The live view makes them
  for pages; readers of JSON have the text.

A frame without `kinds` has only text.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby, pairwise
from operator import itemgetter
from typing import NamedTuple

from runs.agent.json_data.json_types import JsonMapping, JsonObject

Piece = tuple[str, str]
"""The kind (`text`, `reasoning`) and the characters."""

TEXT = "text"


class Chunk(NamedTuple):
    """One piece of one card."""

    card: str
    number: int
    piece: Piece


@dataclass(frozen=True, slots=True)
class DeltaFrame:
    """New pieces of one or more cards."""

    chunks: Sequence[Chunk]

    def as_json(self) -> JsonObject:
        """The frame as it is sent."""
        frame: JsonObject = {"delta": [[card, number, text] for card, number, (_kind, text) in self.chunks]}
        kinds = [kind for _card, _number, (kind, _text) in self.chunks]
        return frame | {"kinds": kinds} if any(kind != TEXT for kind in kinds) else frame


@dataclass(frozen=True, slots=True)
class SnapFrame:
    """A snapshot: the whole content of a card so far."""

    card: str
    number: int
    """The number of the last chunk included."""
    pieces: Sequence[Piece] | None
    """None removes the card."""

    def as_json(self) -> JsonObject:
        """The frame as it is sent."""
        text = None if self.pieces is None else "".join(text for _kind, text in self.pieces)
        frame: JsonObject = {"snap": [self.card, self.number, text]}
        if not self.pieces or all(kind == TEXT for kind, _text in self.pieces):
            return frame
        return frame | {"kinds": [[kind, len(text)] for kind, text in self.pieces]}


class Block(NamedTuple):
    """A finished part of a reply's Markdown, rendered."""

    piece: int
    """The index of the piece, adjacent pieces of one kind merged."""
    end: int
    """Where it ends in the piece, and the next block or the unfinished rest begins; in characters."""
    html: str


@dataclass(frozen=True, slots=True)
class BlocksFrame:
    """Rendered blocks of a card. The last one may be replaced by a later frame: its section goes on."""

    card: str
    first: int
    """The index of its first block. Later ones than its last are dropped."""
    blocks: Sequence[Block]

    def as_json(self) -> JsonObject:
        """The frame as it is sent."""
        return {"blocks": [self.card, self.first, [list(block) for block in self.blocks]]}


ReplyFrame = DeltaFrame | SnapFrame | BlocksFrame


def read_reply_frame(frame: JsonMapping) -> ReplyFrame:
    """The frame from its JSON."""
    if "blocks" in frame:
        card, first, blocks = frame["blocks"]
        return BlocksFrame(card, first, [Block(*block) for block in blocks])
    if "snap" in frame:
        card, number, text = frame["snap"]
        return SnapFrame(card, number, None if text is None else _split(text, frame.get("kinds")))
    chunks = frame["delta"]
    kinds = frame.get("kinds") or [TEXT] * len(chunks)
    return DeltaFrame(
        [Chunk(card, number, (kind, text)) for (card, number, text), kind in zip(chunks, kinds, strict=True)]
    )


def joined(pieces: Iterable[Piece]) -> list[Piece]:
    """The pieces in order, adjacent ones of one kind merged."""
    return [(kind, "".join(text for _kind, text in group)) for kind, group in groupby(pieces, key=itemgetter(0))]


def turn_of(card: str) -> tuple[int, int]:
    """Epoch and turn of a card."""
    epoch, turn, _attempt_and_lane = card.split("-", 2)
    return int(epoch), int(turn)


def turn_name(card: str) -> str:
    """`epoch-turn` of a card: the name under which all cards of that turn end."""
    return card.rsplit("-", 2)[0]


def _split(text: str, kinds: Sequence[tuple[str, int]] | None) -> list[Piece]:
    if not kinds:
        return [(TEXT, text)]
    edges = pairwise(accumulate((length for _kind, length in kinds), initial=0))
    return [(kind, text[start:end]) for (kind, _length), (start, end) in zip(kinds, edges, strict=True)]
