"""The feed of one run, and its watchers in this process."""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator
from typing import Any, Protocol
from uuid import UUID

from django.db import DatabaseError

from runs.agent.json_data.json_types import JsonMapping
from runs.agent.log_context import run_context
from runs.live.feeds.db_reader import DatabaseReader
from runs.live.feeds.frames import MAX_FRAME_BYTES, Frame, reply_frame
from runs.live.feeds.reply_blocks import ReplyBlocks
from runs.live.feeds.reply_state import ReplyState
from runs.live.feeds.run_updates import RunUpdate, StateUpdate, StepCache, Style, Version, read_news, read_page
from runs.live.feeds.tree_versions import members_of
from runs.live.live_timings import DEFAULT_TIMINGS, LiveTimings
from runs.reply_frames import BlocksFrame, ReplyFrame, SnapFrame, read_reply_frame

logger = logging.getLogger(__name__)

Spawn = Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"]
"""Starts a task that its owner keeps and ends."""


class Watcher(Protocol):
    """A viewer of a run."""

    style: Style

    async def show_steps(self, frame: Frame) -> None:
        """Send the steps that follow the last ones sent."""

    async def show_state(self, state: StateUpdate) -> None:
        """Send the state; every step up to `state.at` has been sent."""

    def catch_up(self) -> None:
        """Read the missing steps, then join the up-to-date watchers again."""

    async def show_pieces(self, text: str) -> None:
        """Send a frame with chunks of a reply in the making, or skip it."""

    async def run_is_gone(self) -> None:
        """Close the viewer: the run was deleted."""


class RunFeed:
    """Reads a run once per ring and sends the news to every watcher that is up to date."""

    def __init__(
        self,
        run_id: UUID,
        head: int,
        reader: DatabaseReader,
        spawn: Spawn,
        *,
        timings: LiveTimings = DEFAULT_TIMINGS,
        render_turns: asyncio.Semaphore | None = None,
    ) -> None:
        """`render_turns`: see `ReplyBlocks`."""
        self.run_id = run_id
        self.head = head
        """The last step sent to up-to-date watchers. The others catch up to it by themselves."""
        self.state: StateUpdate | None = None
        self.cards = ReplyState()
        """Replies in the making."""
        self._blocks = ReplyBlocks(self.cards, self._pass_on, timings, render_turns or asyncio.Semaphore())
        self._rendering: asyncio.Task[None] | None = None
        self._watchers: set[Watcher] = set()
        self._current: set[Watcher] = set()
        self._reader = reader
        self._timings = timings
        self._spawn = spawn
        self._cache = StepCache()
        self._asked = False
        self._reading: asyncio.Task[None] | None = None
        self._told: StateUpdate | None = None
        self._tree: frozenset[UUID] = frozenset()
        self._next_state_at = 0.0
        self._state_timer: asyncio.TimerHandle | None = None

    @property
    def is_watched(self) -> bool:
        """True while there is a watcher."""
        return bool(self._watchers)

    @property
    def version(self) -> Version | None:
        """The version of the row that the state shows; None before the first read."""
        return self.state.version if self.state else None

    def shows(self, run_id: UUID) -> bool:
        """True if the page shows another run, which is in the same tree."""
        return run_id in self._tree and run_id != self.run_id

    def add(self, watcher: Watcher) -> None:
        """Subscribe a watcher. It catches up by itself, then calls `join`."""
        self._watchers.add(watcher)
        self.look_again()

    def remove(self, watcher: Watcher) -> None:
        """Unsubscribe a watcher."""
        self._watchers.discard(watcher)
        self._current.discard(watcher)

    def join(self, watcher: Watcher) -> None:
        """Count `watcher`, which has every step up to `head`, as up to date: new steps are sent to it."""
        self._current.add(watcher)

    def fall_behind(self, watcher: Watcher) -> None:
        """Count `watcher` as behind: it reads for itself."""
        self._current.discard(watcher)

    def look_again(self) -> None:
        """Read new rows soon; a call during a read causes one more read."""
        self._asked = True
        if self._reading is None:
            self._reading = self._spawn(self._read())
            self._reading.add_done_callback(self._has_read)

    async def page_after(self, after: int, style: Style, max_bytes: int = MAX_FRAME_BYTES) -> Frame | None:
        """One frame of steps for a watcher that catches up; None if there are none. Raises `DatabaseError`."""
        asked = (self.run_id, after, style, max_bytes)
        frame = await self._reader.run_shared(asked, read_page, self.run_id, after, style, self._cache, max_bytes)
        if frame is not None:
            # The page may be ahead of `head`: its reader must not see replies that its steps have ended.
            self.cards.end(frame.ends)
        return frame

    async def hear(self, frame: JsonMapping) -> None:
        """Send a frame of replies in the making to the up-to-date watchers."""
        heard = read_reply_frame(frame)
        if isinstance(heard, SnapFrame) and heard.pieces is None:
            self._spawn(self._remove_after_reading(heard))
        else:
            await self._pass_on(heard)
            self._render_soon()

    def open_replies(self, style: Style) -> Iterator[ReplyFrame]:
        """The replies in the making, for a watcher that has just come up to date, each as it is when it is taken."""
        for card in list(self.cards.open):
            if (reply := self.cards.open.get(card)) is not None:
                yield reply.snap()
            if style.format == "html" and (reply := self.cards.open.get(card)) is not None and reply.blocks:
                yield BlocksFrame(card, 0, tuple(reply.blocks))

    async def forget_silent_cards(self) -> None:
        """Remove replies in the making whose host has vanished."""
        late = time.monotonic() - self._timings.card_silent_after_s
        await self._show_pieces(self.cards.forget_unheard(late))

    def close(self) -> None:
        """Cancel the running read and the pending state, and free the cached steps."""
        if self._state_timer is not None:
            self._state_timer.cancel()
        for task in (self._reading, self._rendering):
            if task is not None:
                task.cancel()
        # The feed and its blocks refer to each other, so it lives until the next collection of cycles.
        self._cache = StepCache()

    async def _remove_after_reading(self, farewell: SnapFrame) -> None:
        """Remove a card once every committed step is read: the one that ends it takes its place on the page, where text
        that somebody reads must not go away in between."""
        self.look_again()
        while self._reading is not None:
            await asyncio.wait([self._reading])
        await self._show_pieces(self.cards.hear(farewell))

    async def _pass_on(self, frame: ReplyFrame) -> None:
        await self._show_pieces(self.cards.hear(frame))

    async def _show_pieces(self, shown: Iterable[ReplyFrame]) -> None:
        for frame in shown:
            text, is_for_pages = reply_frame(frame), isinstance(frame, BlocksFrame)
            for watcher in list(self._current):
                if watcher.style.format == "html" or not is_for_pages:
                    await watcher.show_pieces(text)

    def _render_soon(self) -> None:
        """Render what is finished of the replies, if a page watches."""
        is_rendering = self._rendering is not None and not self._rendering.done()
        if not is_rendering and any(watcher.style.format == "html" for watcher in self._watchers):
            self._rendering = self._spawn(self._blocks.render())

    def _has_read(self, _task: "asyncio.Task[None]") -> None:
        self._reading = None
        if self._asked and self._watchers:
            self.look_again()

    async def _read(self) -> None:
        while self._asked:
            self._asked = False
            styles: set[Style] = {watcher.style for watcher in self._watchers}
            if self.state is not None and not styles <= self.state.frames.keys():
                self.state = None
            try:
                news = await self._reader.run(read_news, self.run_id, self.head, self.version, styles, self._cache)
            except DatabaseError as error:
                # The slow poll reads again.
                with run_context(self.run_id):
                    logger.warning("Could not read run %s for its viewers: %s", self.run_id, error)
                return
            if news is None:
                for watcher in list(self._watchers):
                    await watcher.run_is_gone()
                return
            await self._tell(news)
            self._asked |= news.more

    async def _tell(self, news: RunUpdate) -> None:
        if news.last > self.head:
            self.head = news.last
            for frame in news.frames.values():
                # Before the steps are sent, or a chunk could follow the step that ends its reply.
                self.cards.end(frame.ends)
            for watcher in list(self._current):
                if (steps := news.frames.get(watcher.style)) is not None:
                    await watcher.show_steps(steps)
                else:
                    # The watcher came during the read, and needs another style.
                    self.fall_behind(watcher)
                    watcher.catch_up()
        if news.state is not None:
            self.state, self._tree = news.state, members_of(news.state.tree)
        if self.state is not self._told:
            self._tell_state_in_time()

    def _tell_state_in_time(self) -> None:
        loop = asyncio.get_running_loop()
        if self._state_timer is not None:
            self._state_timer.cancel()
        wait_s = 0.0 if self.state and self.state.is_final else max(0.0, self._next_state_at - loop.time())
        self._state_timer = loop.call_later(wait_s, lambda: self._spawn(self._tell_state()))

    async def _tell_state(self) -> None:
        state = self.state
        if state is None or state.at > self.head:
            return  # The read in progress sends it later.
        self._told = state
        self._next_state_at = asyncio.get_running_loop().time() + self._timings.state_every_s
        for watcher in list(self._current):
            await watcher.show_state(state)
