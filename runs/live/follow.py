"""Following one run from inside this process, for whoever passes it on over something else than a socket.

It hears with the sockets: one ear at the doorbell and one reader for all of them, no query of its own while nothing
happens, and it is counted, checked and closed like one of them.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from runs.live import codes
from runs.live.access import run_seen_by
from runs.live.feed import RunFeed
from runs.live.frames import Frame
from runs.live.hub import get_hub
from runs.live.news import Format, State

MAX_WAITING = 500
"""Items a follower may leave lying. Then it reads from the database again, as a socket that fell behind does."""


@dataclass(frozen=True, slots=True)
class Steps:
    """Steps, as the API shows them, that follow on those before."""

    steps: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """Everything that was recorded when it began to follow has been handed on. Comes once."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """A frame of a reply in the making: `{"delta": …}` or `{"snap": …}`."""

    frame: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Standing:
    """The run as the API shows it, after all steps handed on."""

    run: dict[str, Any]
    is_final: bool


@dataclass(frozen=True, slots=True)
class Ping:
    """Nothing has happened for a while, and the follower is still heard."""


@dataclass(frozen=True, slots=True)
class Closed:
    """The end, though the run goes on; `code` is one of `runs.live.codes`."""

    code: int


Item = Steps | CaughtUp | Pieces | Standing | Ping | Closed


class Follower:
    """One who follows a run. `items` ends after the final `Standing` or a `Closed`."""

    style: Format = "json"

    def __init__(self, user: Any, credential: str, run_id: UUID) -> None:
        """`credential` is a session's key, or `token ` and a token's hash: what is looked at again every 15 s."""
        self.user_id: int = user.pk
        self.is_staff: bool = user.is_staff
        self.session_key = credential
        self.run_id: UUID | None = run_id
        self._user = user
        self._position = 0
        self._is_behind = True
        self._items: asyncio.Queue[Item | Frame] = asyncio.Queue()

    async def items(self) -> AsyncIterator[Item]:
        """What happens to the run, from its first step on. Raises `NotAdmitted`, and `DatabaseError` at its start."""
        hub = get_hub()
        hub.sockets.add(self)
        feed: RunFeed | None = None
        try:
            assert self.run_id is not None  # noqa: S101  it is only another word for sockets of no run
            run = await hub.reader.run(run_seen_by, self._user, self.run_id)
            if run is None:
                yield Closed(codes.NO_SUCH_RUN)
                return
            feed = await hub.watch(run.pk, self, run.last_sequence)
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
                continue  # something may have been recorded while that was handed on
            # No await between the last look at `head` and here, or a step could pass between.
            self._is_behind = False
            feed.join(self)
            waiting: list[Item] = [Pieces(json.loads(text)) for text in feed.cards.all()]
            if feed.state is not None and feed.state.at <= self._position:
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
            frame = await feed.page_after(self._position, "json")
            if frame is None:
                yield Closed(codes.NO_SUCH_RUN)
                return
            yield self._taken(frame)

    async def _news(self) -> AsyncIterator[Item]:
        """What the feed tells, until this falls behind."""
        while not self._is_behind:
            item = await self._items.get()
            if not isinstance(item, Frame):
                yield item
            elif item.first == self._position + 1:
                yield self._taken(item)
            else:
                self._is_behind = True
        self._items = asyncio.Queue()

    def _taken(self, frame: Frame) -> Steps:
        self._position = frame.last
        return Steps([step for _sequence, step in json.loads(frame.text)["steps"]])

    # --- what the feed tells ---

    async def show_steps(self, frame: Frame) -> None:
        """Steps were recorded."""
        self._put(frame)

    async def show_state(self, state: State) -> None:
        """The run's row has changed."""
        self._put(_standing(state))

    async def show_pieces(self, text: str) -> None:
        """A reply in the making goes on."""
        self._put(Pieces(json.loads(text)))

    def catch_up(self) -> None:
        """The feed has something this does not get from it: read it."""
        self._is_behind = True
        self._put(Ping())

    async def run_is_gone(self) -> None:
        """The run was deleted."""
        self._put(Closed(codes.NO_SUCH_RUN))

    # --- what the process' sockets are told ---

    async def ping(self) -> None:
        """Give a sign of life."""
        self._put(Ping())

    async def close(self, code: int) -> None:
        """End, though the run goes on."""
        self._put(Closed(code))

    def _put(self, item: Item | Frame) -> None:
        if self._items.qsize() < MAX_WAITING or isinstance(item, Closed):
            self._items.put_nowait(item)
        else:
            self._is_behind = True


def _standing(state: State) -> Standing:
    return Standing(json.loads(state.frames["json"])["state"], state.is_final)


def _is_last(item: Item) -> bool:
    return isinstance(item, Closed) or (isinstance(item, Standing) and item.is_final)
