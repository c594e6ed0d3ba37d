"""The socket of a run's page."""

import asyncio
from typing import Any
from urllib.parse import parse_qs

from django.db import DatabaseError, InterfaceError

from runs.live import codes, frames
from runs.live.access import run_seen_by
from runs.live.feed import RunFeed
from runs.live.frames import BadFrame, Frame
from runs.live.news import Format, State
from runs.live.socket_consumer import SocketConsumer
from runs.live.window import MAX_BYTES, Window

BEHIND_FOR_S = 30.0
"""How long a reader may leave its window full."""


class RunViewerConsumer(SocketConsumer):
    """Show one run to one viewer: first the steps they missed, then the new ones, then how it ended."""

    style: Format = "html"
    feed: RunFeed | None = None
    position = 0
    """The last step sent."""
    _catching_up: "asyncio.Task[None] | None" = None
    _is_behind = False
    _shown: State | None = None
    _pieces_sent = 0
    """Characters of pieces sent since the browser last acknowledged anything."""
    _missed_pieces = False

    @property
    def steps_behind(self) -> int:
        """Steps of its run that others were sent and this viewer was not."""
        return max(0, self.feed.head - self.position) if self.feed is not None else 0

    async def enter(self) -> None:
        self.window = Window()
        run = await self.hub.reader.run(run_seen_by, self.user, self.scope["url_route"]["kwargs"]["run_id"])
        if run is None:
            await self.close(codes.NO_SUCH_RUN)
            return
        try:
            self.position, self.style = _asked_for(self.scope)
        except BadFrame:
            await self.close(codes.BAD_FRAME)
            return
        self.position = min(self.position, run.last_sequence)
        self.feed = await self.hub.watch(run.pk, self, run.last_sequence)
        self.catch_up()

    async def leave(self) -> None:
        if self._catching_up is not None:
            self._catching_up.cancel()
        if self.feed is not None:
            await self.hub.unwatch(self.feed, self)

    # --- what the feed tells ---

    async def show_steps(self, frame: Frame) -> None:
        """Send steps that follow on those sent; to a reader that is too slow, or has others, nothing for now."""
        if frame.first != self.position + 1 or not self.window.is_open:
            self.catch_up()
            return
        await self._send_steps(frame)

    async def show_state(self, state: State) -> None:
        """Send the state, once; after the final one there is nothing more."""
        text = state.frames.get(self.style)
        if text is not None and state is not self._shown:
            self._shown = state
            await self.send_text(text)
            if state.is_final:
                await self.close(codes.ENDED)

    async def show_pieces(self, text: str) -> None:
        """Send pieces of a reply in the making. A reader that is too slow misses them, and gets a snap later."""
        if not self.window.is_open or self._pieces_sent > MAX_BYTES:
            self._missed_pieces = True
            return
        self._pieces_sent += len(text)
        await self.send_text(text)

    async def run_is_gone(self) -> None:
        await self.close(codes.NO_SUCH_RUN)

    def catch_up(self) -> None:
        """Read what is missing, as fast as the browser acknowledges it; then hear with the others."""
        if self.feed is not None:
            self.feed.fall_behind(self)
        if self._catching_up is None and not self.is_closed:
            self._catching_up = self.hub.spawn(self._catch_up())

    # --- what the browser says ---

    def acknowledge(self, sequence: int) -> None:
        self.window.acknowledge(sequence)
        self._pieces_sent = 0
        if self._missed_pieces and self._catching_up is None:
            self._missed_pieces = False
            self.hub.spawn(self._show_open_cards())

    def resync(self, sequence: int) -> None:
        self.window.acknowledge(sequence)
        self.position = min(sequence, self.position)
        self.catch_up()

    async def ping(self) -> None:
        await self.send_text(frames.ping_frame(self.feed.head if self._is_behind and self.feed else None))

    # --- catching up ---

    async def _catch_up(self) -> None:
        assert self.feed is not None  # noqa: S101  catch_up asks first
        feed = self.feed
        try:
            await self._send_missing(feed)
        except TimeoutError:
            await self.close(codes.TOO_SLOW)
            return
        except (DatabaseError, InterfaceError):
            await self.close(codes.RESTARTING)
            return
        # No await between the last look at `head` and here, or a step could pass between.
        self._catching_up = None
        feed.join(self)
        self._is_behind = self._missed_pieces = False
        # Before the state: a page keeps what it had of replies in the making until then.
        await self._show_open_cards()
        if feed.state is not None and feed.state.at <= self.position:
            await self.show_state(feed.state)

    async def _show_open_cards(self) -> None:
        for text in self.feed.cards.all() if self.feed else ():
            if self._catching_up is None:
                await self.show_pieces(text)

    async def _send_missing(self, feed: RunFeed) -> None:
        while self.position < feed.head and not self.is_closed:
            if feed.head - self.position > frames.MAX_FRAME_STEPS or not self.window.is_open:
                await self._say_behind()
            async with asyncio.timeout(BEHIND_FOR_S):
                await self.window.wait_until_open()
            position = self.position
            frame = await feed.page_after(position, self.style)
            if frame is None:
                await self.close(codes.NO_SUCH_RUN)
            elif position == self.position:  # else a resync came while it was read
                await self._send_steps(frame)

    async def _say_behind(self) -> None:
        if not self._is_behind:
            self._is_behind = True
            await self.ping()

    async def _send_steps(self, frame: Frame) -> None:
        self.position = frame.last
        self.window.add(frame)
        await self.send_text(frame.text)


def _asked_for(scope: dict[str, Any]) -> tuple[int, Format]:
    """The sequence to begin after and the format. Raises `BadFrame` for nonsense."""
    query = parse_qs(scope["query_string"].decode("latin1"), keep_blank_values=True)
    after, style = query.get("after", ["0"])[-1], query.get("format", ["html"])[-1]
    if not (after.isascii() and after.isdecimal() and len(after) < 19):
        raise BadFrame
    if style == "json":
        return int(after), "json"
    if style != "html":
        raise BadFrame
    return int(after), "html"
