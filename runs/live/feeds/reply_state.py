"""The state machine of replies in the making: the open cards of a run, and the content of each.

The feed of sockets and the streams of AG-UI use it. `static/live/reply_state.js` is the same machine for pages;
`tests/live/feeds/reply_stream_cases.json` has the test cases of both. Frames may be lost, duplicated, or later than the
step that ends their card:

- The first chunk of a card opens the card, and so does a snap. A chunk after a gap is ignored; the next snap has its
  text.
- A snap that is not newer than the card's content changes nothing.
- Rendered blocks belong to an open card, and follow on those it has: others are ignored. They stay when a snap brings
  more text.
- A snap without text removes its card. The card has not ended: the step with its result follows.
- A card ends with its step. The step of a turn's reply ends every card of that turn and of earlier turns, under any
  claim.
- Once a later claim writes, or its reply is recorded, cards of earlier claims have ended: their host has lost the run.
"""

import time
from collections.abc import Callable, Iterable

from runs.reply_frames import Block, BlocksFrame, Chunk, DeltaFrame, Piece, ReplyFrame, SnapFrame, joined, turn_of


class ReplyBuffer:
    """One reply in the making."""

    __slots__ = ("_pieces", "blocks", "card", "epoch", "heard_at", "number", "turn")

    def __init__(self, card: str) -> None:
        self.card = card
        self.epoch, self.turn = turn_of(card)
        self.number = 0
        """The number of the last chunk included."""
        self.heard_at = 0.0
        self.blocks: list[Block] = []
        """The finished blocks of its Markdown."""
        self._pieces: list[Piece] = []

    @property
    def pieces(self) -> list[Piece]:
        """The content so far, adjacent pieces of one kind merged."""
        # Merged on reading: a reply has thousands of chunks, and most are only passed on.
        self._pieces = joined(self._pieces)
        return self._pieces

    def add(self, piece: Piece) -> None:
        """Append the next chunk."""
        self.number += 1
        self._pieces.append(piece)

    def replace(self, number: int, pieces: Iterable[Piece]) -> None:
        """Replace the content by that of a snap, up to chunk `number`."""
        self.number, self._pieces = number, list(pieces)

    def snap(self) -> SnapFrame:
        """The whole content as a frame."""
        return SnapFrame(self.card, self.number, tuple(self.pieces))


class ReplyState:
    """The open cards of one run, as far as frames have arrived."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.open: dict[str, ReplyBuffer] = {}
        """Open replies by card, in the order of opening."""
        self._clock = clock
        self._ended: set[str] = set()
        """Cards that ended before the reply of their turn was recorded."""
        self._epoch = 0
        """The last claim that has written or whose reply is recorded."""
        self._turn = 0
        """The last turn whose reply is recorded."""

    def hear(self, frame: ReplyFrame) -> list[ReplyFrame]:
        """Apply a frame of the host. Returns the frames to pass on to viewers that are up to date."""
        match frame:
            case DeltaFrame(chunks):
                return self._hear_chunks(chunks)
            case SnapFrame(card, number, pieces):
                return self._take_away([card]) if pieces is None else self._hear_snap(card, number, pieces)
            case BlocksFrame():
                return self._hear_blocks(frame)

    def end(self, ends: Iterable[str]) -> None:
        """Apply the ends in recorded steps: a card by its name, or all cards of a turn by `epoch-turn`."""
        for name in ends:
            if name.count("-") == 1:
                epoch, turn = name.split("-")
                self._decide(int(turn), int(epoch))
            else:
                self._ended.add(name)
        self._drop_what_is_over()

    def end_turn(self, turn: int) -> None:
        """Apply the end of a turn whose reply is recorded under an unknown claim."""
        self._decide(turn)
        self._drop_what_is_over()

    def forget_unheard(self, since: float) -> list[ReplyFrame]:
        """Remove the cards without a frame since `since`, a time of the clock. Returns the frames that remove them."""
        return self._take_away([card for card, reply in self.open.items() if reply.heard_at < since])

    def snaps(self) -> list[SnapFrame]:
        """A snap of each open card."""
        return [reply.snap() for reply in self.open.values()]

    def _hear_chunks(self, chunks: Iterable[Chunk]) -> list[ReplyFrame]:
        gone: list[ReplyFrame] = []
        following: list[Chunk] = []
        for chunk in chunks:
            if self._is_over(chunk.card):
                continue
            if chunk.number == 1 and chunk.card not in self.open:
                gone += self._begin(chunk.card)
            reply = self.open.get(chunk.card)
            if reply is not None and chunk.number == reply.number + 1:
                reply.add(chunk.piece)
                reply.heard_at = self._clock()
                following.append(chunk)
        # A later claim may have begun in the middle of the frame.
        following = [chunk for chunk in following if chunk.card in self.open]
        return [*gone, DeltaFrame(following)] if following else gone

    def _hear_snap(self, card: str, number: int, pieces: Iterable[Piece]) -> list[ReplyFrame]:
        if self._is_over(card):
            return []
        is_new = card not in self.open
        gone = self._begin(card) if is_new else []
        reply = self.open[card]
        reply.heard_at = self._clock()
        if is_new or number > reply.number:
            reply.replace(number, pieces)
        return [*gone, reply.snap()] if number == reply.number else gone

    def _hear_blocks(self, frame: BlocksFrame) -> list[ReplyFrame]:
        reply = self.open.get(frame.card)
        if reply is None or frame.first > len(reply.blocks):
            return []
        reply.blocks[frame.first :] = frame.blocks
        return [frame]

    def _begin(self, card: str) -> list[ReplyFrame]:
        """Open a card. Returns the frames that remove cards of earlier claims."""
        reply = ReplyBuffer(card)
        self._epoch = reply.epoch
        gone = self._take_away([name for name, other in self.open.items() if other.epoch < reply.epoch])
        self.open[card] = reply
        return gone

    def _take_away(self, cards: Iterable[str]) -> list[ReplyFrame]:
        gone = [reply for card in cards if (reply := self.open.pop(card, None)) is not None]
        return [SnapFrame(reply.card, reply.number + 1, None) for reply in gone]

    def _decide(self, turn: int, epoch: int = 0) -> None:
        self._turn, self._epoch = max(self._turn, turn), max(self._epoch, epoch)

    def _drop_what_is_over(self) -> None:
        self._ended = {card for card in self._ended if not self._is_decided(card)}
        self.open = {card: reply for card, reply in self.open.items() if not self._is_over(card)}

    def _is_over(self, card: str) -> bool:
        return card in self._ended or self._is_decided(card)

    def _is_decided(self, card: str) -> bool:
        epoch, turn = turn_of(card)
        return epoch < self._epoch or turn <= self._turn
