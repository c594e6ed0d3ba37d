"""Pieces of replies on their way to whoever watches: not stored, never waited for, and lost without harm.

A *card* (`epoch-turn-attempt-lane`) is one reply in the making. Its pieces go out in numbered chunks, 25 times a second
at most; every 2 s, and when the first viewer comes, all of it goes out as a *snap*, which heals whatever was lost.
The step that says how the reply ended takes its card away; for pages that missed it, a snap without text does so
later. Reasoning and text are pieces of the same card, in the order they came.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from uuid import UUID

from django.conf import settings

from runs import doorbell
from runs.agent.json_data.json_values import as_storable_text
from runs.agent.log_context import run_context
from runs.agent.messages import Delta
from runs.engine.host_timings import DEFAULT_TIMINGS, HostTimings
from runs.engine.operations.metrics import DELTA_FRAMES
from runs.engine.writing.writes import Write
from runs.reply_frames import Chunk, DeltaFrame, Piece, ReplyFrame, SnapFrame, joined, turn_name

logger = logging.getLogger(__name__)

MAX_CARD_CHARS = 64 * 1024
"""More of one reply than a person reads while it is written is not shown before its step comes."""


class _Card:
    """One reply in the making."""

    def __init__(self) -> None:
        self.said: list[Piece] = []
        self.fresh: list[Piece] = []
        """Not sent yet; the end of what was said."""
        self.size = 0
        self.chunk = 0
        """The number of the last chunk that went out."""
        self.is_shown = False
        """True while viewers can have all of it but `fresh`."""

    def add(self, piece: Piece) -> None:
        self.fresh.append(piece)
        self.size += len(piece[1])

    def take_fresh(self) -> list[Piece]:
        """What came since the last time, joined by kind."""
        fresh, self.fresh = joined(self.fresh), []
        self.said += fresh
        return fresh


class ReplyStream:
    """The cards of one run under one claim. Belongs to the loop of its host."""

    def __init__(self, run_id: UUID, wake: "Callable[[ReplyStream], None]") -> None:
        self.run_id = run_id
        self.is_unwatched = False
        """True if nobody watched at the last look at a layer that has to be asked."""
        self.is_over = False
        """True once no card can follow."""
        self._cards: dict[str, _Card] = {}
        self._gone: dict[str, tuple[int, Write | None]] = {}
        """Cards to be taken away: the chunk that does it, and the write of the step that takes their place."""
        self._wake = wake

    def show(self, card: str, delta: Delta) -> None:
        """Take in a piece. A call's arguments are a sign of life, not something to show."""
        if delta.kind == "call" or self.is_over:
            return
        shown = self._cards.get(card)
        if shown is None:
            shown = self._cards[card] = _Card()
        if shown.size < MAX_CARD_CHARS:
            shown.add((delta.kind, as_storable_text(delta.text)))
            self._wake(self)

    def end(self, card: str, *, whole_turn: bool, write: Write | None = None) -> None:
        """A step says how it ended; with `whole_turn` the same goes for the other cards of its turn.

        The step takes the card away on a page. The snap that does is for pages that miss the step: it comes later, and
        not before `write`, which holds the step, is committed or refused. Text that somebody reads stays until then.
        """
        turn = turn_name(card)
        for name in [name for name in self._cards if name == card or (whole_turn and turn_name(name) == turn)]:
            shown = self._cards.pop(name)
            if shown.is_shown:
                self._gone[name] = (shown.chunk + 1, write)

    def close(self) -> None:
        """The host lets go of the run: whatever is open was never finished, and its step says so."""
        for card in list(self._cards):
            self.end(card, whole_turn=False)
        self.is_over = True

    def new_frames(self) -> list[ReplyFrame]:
        """What viewers do not have yet; nothing if there are none."""
        watched = self._is_watched()
        chunks: list[Chunk] = []
        snaps: list[ReplyFrame] = []
        for name, card in self._cards.items():
            if not card.fresh:
                continue
            if watched and not card.is_shown:
                snaps.append(_snap(name, card))
                continue
            card.is_shown = watched
            for piece in card.take_fresh():
                card.chunk += 1
                chunks.append(Chunk(name, card.chunk, piece))
        return [*snaps, DeltaFrame(chunks)] if watched and chunks else snaps

    def all_frames(self) -> list[SnapFrame]:
        """Every open card as it is now, and the end of those that went; nothing if nobody watches."""
        farewells = self._farewells()
        if not self._is_watched():
            return []
        return [*farewells, *(_snap(name, card) for name, card in self._cards.items())]

    def _is_watched(self) -> bool:
        return not self.is_unwatched and doorbell.is_watched(self.run_id)

    @property
    def is_done(self) -> bool:
        """True once there is nothing more to send."""
        return self.is_over and not self._gone

    def _farewells(self) -> list[SnapFrame]:
        due = {name: chunk for name, (chunk, write) in self._gone.items() if write is None or write.outcome is not None}
        for name in due:
            del self._gone[name]
        return [SnapFrame(name, chunk, None) for name, chunk in due.items()]


class ReplyStreams:
    """The streams of all runs of one host."""

    def __init__(self, timings: HostTimings = DEFAULT_TIMINGS) -> None:
        self._timings = timings
        self._open: set[ReplyStream] = set()
        self._news: set[ReplyStream] = set()
        self._has_news = asyncio.Event()

    def open(self, run_id: UUID) -> ReplyStream:
        """The stream of a run that is hosted from now on, until it is closed."""
        stream = ReplyStream(run_id, self._wake)
        self._open.add(stream)
        return stream

    async def send_for_ever(self) -> None:
        """Send new pieces as they come and all of them now and then."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._send_new())
            group.create_task(self._send_all())
            group.create_task(self._answer_new_viewers())
            if settings.IS_SCALE_OUT:
                group.create_task(self._look_who_watches())

    def _wake(self, stream: ReplyStream) -> None:
        self._news.add(stream)
        self._has_news.set()

    async def _send_new(self) -> None:
        while True:
            await self._has_news.wait()
            self._has_news.clear()
            await self._send_pieces()
            await asyncio.sleep(self._timings.pieces_every_s)

    async def _send_pieces(self) -> None:
        # Not in the endless loop, which would keep the last reply while it waits; the others do the same.
        news, self._news = self._news, set()
        for stream in news:
            await _send(stream, stream.new_frames())

    async def _send_all(self) -> None:
        while True:
            await asyncio.sleep(self._timings.snaps_every_s)
            await self._send_snaps()

    async def _send_snaps(self) -> None:
        for stream in list(self._open):
            await _send(stream, stream.all_frames())
            # Only now, so that no card goes from a page a moment before the step that takes its place.
            if stream.is_done:
                self._open.discard(stream)

    async def _answer_new_viewers(self) -> None:
        """Send what was said so far to whoever begins to watch: until the next snap their page would be empty."""
        async for message in doorbell.messages(doorbell.REPLIES_GROUP):
            await self._send_snaps_of(message["run"])

    async def _send_snaps_of(self, run_id: str) -> None:
        for stream in [stream for stream in self._open if str(stream.run_id) == run_id]:
            stream.is_unwatched = False
            await _send(stream, stream.all_frames())

    async def _look_who_watches(self) -> None:
        """Learn which runs nobody watches: 300 replies, 25 times a second each, are more than Redis is to be told."""
        while True:
            await asyncio.sleep(self._timings.audience_every_s)
            await self._note_who_is_unwatched()

    async def _note_who_is_unwatched(self) -> None:
        looked_at = list(self._open)
        unwatched = await doorbell.unwatched([stream.run_id for stream in looked_at])
        for stream in looked_at:
            stream.is_unwatched = stream.run_id in unwatched


async def _send(stream: ReplyStream, frames: Sequence[ReplyFrame]) -> None:
    try:
        for frame in frames:
            await doorbell.show(stream.run_id, frame.as_json())
            DELTA_FRAMES.inc()
    except (ConnectionError, OSError) as error:
        with run_context(stream.run_id):
            logger.warning("Pieces of run %s could not be shown: %s", stream.run_id, error)


def _snap(name: str, card: _Card) -> SnapFrame:
    if card.take_fresh() or not card.is_shown:
        # It says more than any viewer has.
        card.chunk += 1
    card.is_shown = True
    card.said = joined(card.said)
    return SnapFrame(name, card.chunk, tuple(card.said))
