"""Following one run inside this process, for consumers other than sockets, such as AG-UI streams.

A follower shares the hub's doorbell channel and reader with the sockets and makes no query while nothing changes. It is
counted, checked and closed like a socket.
"""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from runs.live.feeds.frames import Frame
from runs.live.feeds.run_feed import RunFeed
from runs.live.feeds.run_updates import JSON, StateUpdate, Style
from runs.live.sockets import close_codes
from runs.live.sockets.authentication import run_seen_by
from runs.live.sockets.hub import get_hub
from runs.live.sockets.stream_items import CaughtUp, Closed, Item, Ping, ReplyUpdate, RunStatus, Steps
from runs.models.permissions import may_see_all
from runs.reply_frames import read_reply_frame

MAX_WAITING = 500
MAX_WAITING_CHARS = 128 * 1024
"""Limits of a follower's queue. Beyond them it reads from the database again, like a socket that fell behind."""

PAGE_BYTES = 32 * 1024
"""Size of a page of steps for one follower, which holds the page until its client has read it."""


class StreamFollower:
    """A follower of one run. `items` ends after the final `RunStatus` or a `Closed`."""

    style: Style = JSON

    def __init__(self, user: Any, credential: str, run_id: UUID) -> None:
        """`credential` is a session key, or `token ` and a token's hash: it is checked again every 15 s."""
        self.user_id: int = user.pk
        self.sees_all = False
        self.session_key = credential
        self.run_id: UUID | None = run_id
        self._user = user
        self._position = 0
        self._is_behind = True
        self._state = ""
        self._feed: RunFeed | None = None
        self._heard: deque[Frame | StateUpdate | str | Ping | Closed] = deque()
        """Queued frames, still encoded: the texts are shared by all followers and sockets."""
        self._heard_chars = 0
        self._has_heard = asyncio.Event()

    async def items(self) -> AsyncIterator[Item]:
        """The events of the run from its first step on. Raises `NotAdmitted`, and `DatabaseError` at its start."""
        hub = get_hub()
        self.sees_all = await hub.reader.run(may_see_all, self._user)
        hub.sockets.add(self)
        feed: RunFeed | None = None
        try:
            assert self.run_id is not None  # noqa: S101  it is only another word for sockets of no run
            run = await hub.reader.run(run_seen_by, self._user, self.run_id)
            if run is None:
                yield Closed(close_codes.NO_SUCH_RUN)
                return
            feed = self._feed = await hub.watch(run.pk, self, run.last_sequence)
            async for item in self._follow(feed):
                yield item
        finally:
            hub.sockets.remove(self)
            if feed is not None:
                await hub.unwatch(feed, self)

    async def _follow(self, feed: RunFeed) -> AsyncIterator[Item]:
        has_caught_up = False
        while True:
            async for page in self._missing(feed):
                yield page
                if _is_last(page):
                    return
            if not has_caught_up:
                has_caught_up = True
                yield CaughtUp()
                continue  # Steps may have been recorded while the caller handled the item.
            # No await between the last check of `head` and `join`, or a step could be missed.
            self._is_behind = False
            self._forget()
            feed.join(self)
            waiting: list[Item] = [ReplyUpdate(snap) for snap in feed.cards.snaps()]
            if feed.state is not None and feed.state.at <= self._position:
                self._state = feed.state.frames[JSON]
                waiting.append(_standing(feed.state))
            for item in waiting:
                yield item
                if _is_last(item):
                    return
            async for item in self._news():
                yield item
                if _is_last(item):
                    return

    async def _missing(self, feed: RunFeed) -> AsyncIterator[Item]:
        while self._position < feed.head:
            for closed in [item for item in self._heard if isinstance(item, Closed)]:
                yield closed
                return
            frame = await feed.page_after(self._position, JSON, PAGE_BYTES)
            if frame is None:
                yield Closed(close_codes.NO_SUCH_RUN)
                return
            steps = self._taken(frame)
            del frame  # The generator would keep it for as long as the client reads.
            yield steps
            del steps

    async def _news(self) -> AsyncIterator[Item]:
        """The queued items, until this follower falls behind."""
        while True:
            while not self._heard:
                if self._is_behind:
                    return
                self._has_heard.clear()
                await self._has_heard.wait()
            heard = self._heard.popleft()
            self._heard_chars -= _chars_of(heard)
            if isinstance(heard, Frame):
                if heard.first != self._position + 1:
                    self._fall_behind()
                    return
                yield self._taken(heard)
            else:
                yield _item(heard)

    def _taken(self, frame: Frame) -> Steps:
        self._position = frame.last
        return Steps([step for _sequence, step in json.loads(frame.text)["steps"]])

    # --- Called by the feed ---

    async def show_steps(self, frame: Frame) -> None:
        """Queue new steps."""
        self._hear(frame)

    async def show_state(self, state: StateUpdate) -> None:
        """Queue the changed state. Much of what changes on a page, such as the other runs of its tree, is no change to
        JSON."""
        if (text := state.frames[JSON]) != self._state:
            self._state = text
            self._hear(state)

    async def show_pieces(self, text: str) -> None:
        """Queue a frame of a reply in the making."""
        self._hear(text)

    def catch_up(self) -> None:
        """Read from the database: the feed has something that it cannot send."""
        self._fall_behind()

    async def run_is_gone(self) -> None:
        """End: the run was deleted."""
        self._hear(Closed(close_codes.NO_SUCH_RUN))

    # --- Called by `Sockets` ---

    @property
    def steps_behind(self) -> int:
        """Steps sent to other viewers of its run but not to this client."""
        return max(0, self._feed.head - self._position) if self._feed is not None else 0

    async def ping(self) -> None:
        """Queue a sign of life."""
        self._hear(Ping())

    async def close(self, code: int) -> None:
        """End before the run does."""
        self._hear(Closed(code))

    def _hear(self, item: "Frame | StateUpdate | str | Ping | Closed") -> None:
        if isinstance(item, Closed):
            self._heard.append(item)
        elif self._is_behind:
            return
        elif len(self._heard) < MAX_WAITING and self._heard_chars < MAX_WAITING_CHARS:
            self._heard.append(item)
            self._heard_chars += _chars_of(item)
        else:
            self._fall_behind()
        self._has_heard.set()

    def _fall_behind(self) -> None:
        self._is_behind = True
        if self._feed is not None:
            self._feed.fall_behind(self)
        self._forget()
        self._has_heard.set()

    def _forget(self) -> None:
        """Drop the queue, except a `Closed`."""
        self._heard = deque(item for item in self._heard if isinstance(item, Closed))
        self._heard_chars = 0


def _chars_of(heard: "Frame | StateUpdate | str | Ping | Closed") -> int:
    match heard:
        case Frame(text=text) | str(text):
            return len(text)
        case StateUpdate(frames=frames):
            return len(frames[JSON])
        case _:
            return 0


def _item(heard: "StateUpdate | str | Ping | Closed") -> Item:
    match heard:
        case StateUpdate():
            return _standing(heard)
        case str(text):
            return ReplyUpdate(read_reply_frame(json.loads(text)))
        case _:
            return heard


def _standing(state: StateUpdate) -> RunStatus:
    return RunStatus(json.loads(state.frames[JSON])["state"], state.is_final)


def _is_last(item: Item) -> bool:
    return isinstance(item, Closed) or (isinstance(item, RunStatus) and item.is_final)
