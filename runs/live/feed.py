"""One run and everybody here who watches it."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol
from uuid import UUID

from django.db import DatabaseError

from runs.agent.current_run import about_run
from runs.live.frames import Frame
from runs.live.news import Format, News, State, StepCache, Version, read_news, read_page
from runs.live.pieces import OpenCards
from runs.live.reader import Reader

logger = logging.getLogger(__name__)

STATE_EVERY_S = 0.2
"""A run may change its state with every step; people are told at most this often, and of the final one at once."""

Spawn = Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"]
"""Starts a task that its owner keeps and ends."""


class Watcher(Protocol):
    """Somebody who watches a run."""

    style: Format

    async def show_steps(self, frame: Frame) -> None:
        """Send the steps that follow after the ones sent."""

    async def show_state(self, state: State) -> None:
        """Send the state; every step up to `state.at` has been sent."""

    def catch_up(self) -> None:
        """Read what is missing, then join the others again."""

    async def show_pieces(self, text: str) -> None:
        """Send a frame of pieces of a reply in the making, or leave it out."""

    async def run_is_gone(self) -> None:
        """The run was deleted."""


class RunFeed:
    """Reads a run once per ring and hands the news to every watcher that has all the steps before."""

    def __init__(self, run_id: UUID, head: int, reader: Reader, spawn: Spawn) -> None:
        self.run_id = run_id
        self.head = head
        """The last step read for those who are up to date. The others catch up to it by themselves."""
        self.state: State | None = None
        self.cards = OpenCards()
        """The replies in the making."""
        self._watchers: set[Watcher] = set()
        self._current: set[Watcher] = set()
        self._reader = reader
        self._spawn = spawn
        self._cache = StepCache()
        self._asked = False
        self._reading: asyncio.Task[None] | None = None
        self._told: State | None = None
        self._next_state_at = 0.0
        self._state_timer: asyncio.TimerHandle | None = None

    @property
    def is_watched(self) -> bool:
        """True while anybody watches."""
        return bool(self._watchers)

    @property
    def version(self) -> Version | None:
        """What the state shows of the run's row; None before it was read."""
        return self.state.version if self.state else None

    def add(self, watcher: Watcher) -> None:
        """Somebody came. They catch up by themselves, then `join`."""
        self._watchers.add(watcher)
        self.look_again()

    def remove(self, watcher: Watcher) -> None:
        """Somebody left."""
        self._watchers.discard(watcher)
        self._current.discard(watcher)

    def join(self, watcher: Watcher) -> None:
        """From now on `watcher`, which has every step up to `head`, gets new ones as they come."""
        self._current.add(watcher)

    def fall_behind(self, watcher: Watcher) -> None:
        """From now on `watcher` reads for itself."""
        self._current.discard(watcher)

    def look_again(self) -> None:
        """Read what is new, soon; asking while it reads makes it read once more."""
        self._asked = True
        if self._reading is None:
            self._reading = self._spawn(self._read())
            self._reading.add_done_callback(self._has_read)

    async def page_after(self, after: int, style: Format) -> Frame | None:
        """One frame of steps for a watcher that catches up; None if there are none. Raises `DatabaseError`."""
        frame = await self._reader.run(read_page, self.run_id, after, style, self._cache)
        if frame is not None:
            # It may be ahead of `head`: who reads it must not be shown what its steps have ended.
            self.cards.end(frame.ends)
        return frame

    async def hear(self, frame: dict[str, Any]) -> None:
        """Pass pieces of a reply in the making on to those who are up to date."""
        await self._show_pieces([self.cards.hear(frame)])

    async def forget_silent_cards(self) -> None:
        """Take away what a host left behind that ended without a word."""
        await self._show_pieces(self.cards.silent())

    def close(self) -> None:
        """Stop what is under way."""
        if self._state_timer is not None:
            self._state_timer.cancel()
        if self._reading is not None:
            self._reading.cancel()

    async def _show_pieces(self, texts: Sequence[str | None]) -> None:
        for text in filter(None, texts):
            for watcher in list(self._current):
                await watcher.show_pieces(text)

    def _has_read(self, _task: "asyncio.Task[None]") -> None:
        self._reading = None
        if self._asked and self._watchers:
            self.look_again()

    async def _read(self) -> None:
        while self._asked:
            self._asked = False
            styles: set[Format] = {watcher.style for watcher in self._watchers}
            if self.state is not None and not styles <= self.state.frames.keys():
                self.state = None
            try:
                news = await self._reader.run(read_news, self.run_id, self.head, self.version, styles, self._cache)
            except DatabaseError as error:
                # The slow poll asks again.
                with about_run(self.run_id):
                    logger.warning("Could not read run %s for its viewers: %s", self.run_id, error)
                return
            if news is None:
                for watcher in list(self._watchers):
                    await watcher.run_is_gone()
                return
            await self._tell(news)
            self._asked |= news.more

    async def _tell(self, news: News) -> None:
        if news.last > self.head:
            self.head = news.last
            for frame in news.frames.values():
                # Before anybody is sent the steps, or a piece could follow the step that ends it.
                self.cards.end(frame.ends)
            for watcher in list(self._current):
                if (steps := news.frames.get(watcher.style)) is not None:
                    await watcher.show_steps(steps)
                else:
                    # It came while this was being read, and speaks the other format.
                    self.fall_behind(watcher)
                    watcher.catch_up()
        self.state = news.state or self.state
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
            return  # the read that is under way comes back to it
        self._told = state
        self._next_state_at = asyncio.get_running_loop().time() + STATE_EVERY_S
        for watcher in list(self._current):
            await watcher.show_state(state)
