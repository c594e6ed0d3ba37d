"""The socket of a run's page."""

import asyncio
from urllib.parse import parse_qs

from django.db import DatabaseError, InterfaceError

from runs.asgi_types import Scope
from runs.live.feeds import frames
from runs.live.feeds.frames import BadFrame, Frame
from runs.live.feeds.run_feed import RunFeed
from runs.live.feeds.run_updates import JSON, StateUpdate, Style
from runs.live.sockets import close_codes
from runs.live.sockets.authentication import run_seen_by
from runs.live.sockets.base_consumer import SocketConsumer
from runs.live.sockets.flow_control import MAX_BYTES, SendWindow
from runs.writer_status import STANDSTILL


class RunViewerConsumer(SocketConsumer):
    """Sends one run to one viewer: the missed steps, then new ones, then the final state."""

    style: Style = Style("html")
    feed: RunFeed | None = None
    position = 0
    """The last step sent."""
    _catching_up: "asyncio.Task[None] | None" = None
    _is_behind = False
    _shown: str | None = None
    """The last state sent. To JSON many changes of its row and its tree are none."""
    _pieces_sent = 0
    """Characters of reply chunks sent since the browser's last acknowledgement."""
    _missed_pieces = False

    @property
    def steps_behind(self) -> int:
        """Steps sent to other viewers of its run but not to this one."""
        return max(0, self.feed.head - self.position) if self.feed is not None else 0

    async def enter(self) -> None:
        run = await self.hub.reader.run(run_seen_by, self.user, self.scope["url_route"]["kwargs"]["run_id"])
        if run is None:
            await self.close(close_codes.NO_SUCH_RUN)
            return
        try:
            self.position, self.style = _asked_for(self.scope, self.language)
        except BadFrame:
            await self.close(close_codes.BAD_FRAME)
            return
        self.position = min(self.position, run.last_sequence)
        self.window = SendWindow(self.buffer, self.position)
        self.feed = await self.hub.watch(run.pk, self, run.last_sequence)
        if STANDSTILL.now() is not None:
            await self.ping()
        self.catch_up()

    async def leave(self) -> None:
        if self._catching_up is not None:
            self._catching_up.cancel()
        if self.feed is not None:
            await self.hub.unwatch(self.feed, self)

    # --- Called by the feed ---

    async def show_steps(self, frame: Frame) -> None:
        """Send steps that follow the last ones sent; a slow or outdated viewer catches up instead."""
        if frame.first != self.position + 1 or not self.window.is_open:
            self.catch_up()
            return
        await self._send_steps(frame)

    async def show_state(self, state: StateUpdate) -> None:
        """Send the state once, and close after the final one. A slow viewer gets it after catching up."""
        if not self.window.has_room:
            self.catch_up()
            return
        text = state.frames.get(self.style)
        if text is not None and text != self._shown:
            self._shown = text
            await self.send_text(text)
            if state.is_final:
                await self.close(close_codes.ENDED)

    async def show_pieces(self, text: str) -> None:
        """Send chunks of a reply in the making. A slow viewer misses them, and gets a snapshot later."""
        if not self.window.is_open or self._pieces_sent > MAX_BYTES:
            self._missed_pieces = True
            return
        self._pieces_sent += len(text)
        await self.send_text(text)

    async def run_is_gone(self) -> None:
        await self.close(close_codes.NO_SUCH_RUN)

    def catch_up(self) -> None:
        """Read the missing steps at the speed of the acknowledgements, then join the up-to-date watchers."""
        if self.feed is not None:
            self.feed.fall_behind(self)
        if self._catching_up is None and not self.is_closed:
            self._catching_up = self.hub.spawn(self._catch_up())

    # --- Called by the browser's frames ---

    def acknowledge(self, sequence: int) -> None:
        self.window.acknowledge(sequence)
        self._pieces_sent = 0
        if self._missed_pieces and self._catching_up is None:
            self._missed_pieces = False
            self.hub.spawn(self._show_open_cards())

    def resync(self, sequence: int) -> None:
        self.window.go_back(sequence)
        self.position = min(sequence, self.position)
        self.catch_up()

    async def ping(self) -> None:
        await self.send_text(
            frames.ping_frame(self.feed.head if self._is_behind and self.feed else None, language=self.language)
        )

    # --- Catching up ---

    async def _catch_up(self) -> None:
        assert self.feed is not None  # noqa: S101  catch_up asks first
        feed = self.feed
        try:
            await self._send_missing(feed)
        except TimeoutError:
            await self.close(close_codes.TOO_SLOW)
            return
        except (DatabaseError, InterfaceError):
            await self.close(close_codes.RESTARTING)
            return
        # No await between the last check of `head` and `join`, or a step could be missed.
        self._catching_up = None
        feed.join(self)
        self._is_behind = self._missed_pieces = False
        # Before the state: until then a page keeps its replies in the making.
        await self._show_open_cards()
        if feed.state is not None and feed.state.at <= self.position:
            await self.show_state(feed.state)

    async def _show_open_cards(self) -> None:
        for frame in self.feed.open_replies(self.style) if self.feed else ():
            if self._catching_up is None:
                await self.show_pieces(frames.reply_frame(frame))

    async def _send_missing(self, feed: RunFeed) -> None:
        while not self.is_closed:
            if feed.head - self.position > frames.MAX_FRAME_STEPS or not self.window.is_open:
                await self._say_behind()
            async with asyncio.timeout(self.hub.timings.behind_limit_s):
                await self.window.wait_until_open()
            if self.position >= feed.head:
                return
            position = self.position
            frame = await feed.page_after(position, self.style)
            if frame is None:
                await self.close(close_codes.NO_SUCH_RUN)
            elif position == self.position:  # Otherwise a resync came during the read.
                await self._send_steps(frame)

    async def _say_behind(self) -> None:
        if not self._is_behind:
            self._is_behind = True
            await self.ping()

    async def _send_steps(self, frame: Frame) -> None:
        self.position = frame.last
        self.window.add(frame)
        await self.send_text(frame.text)


def _asked_for(scope: Scope, language: str) -> tuple[int, Style]:
    """The sequence to start after, and the style. Raises `BadFrame` for an invalid query."""
    query = parse_qs(scope["query_string"].decode("latin1"), keep_blank_values=True)
    after, style = query.get("after", ["0"])[-1], query.get("format", ["html"])[-1]
    if not (after.isascii() and after.isdecimal() and len(after) < 19):
        raise BadFrame
    if style == "json":
        return int(after), JSON
    if style != "html":
        raise BadFrame
    return int(after), Style("html", language)
