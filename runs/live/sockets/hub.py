"""The hub: the live view of a process, with one doorbell channel, one reader, and all subscriptions.

Channels gives every socket a channel of its own, and drops messages silently when one is full or a message expires;
here one channel listens for all sockets, and a slow poll finds what was lost.
"""

import asyncio
import contextvars
import logging
from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import Any, TypeVar
from uuid import UUID
from weakref import WeakKeyDictionary

from channels.layers import get_channel_layer
from django.db import DatabaseError, InterfaceError

from runs import doorbell
from runs.asgi_types import Message
from runs.live.feeds.dashboard_feed import DashboardFeed
from runs.live.feeds.db_reader import DatabaseReader
from runs.live.feeds.run_feed import RunFeed, Watcher
from runs.live.feeds.run_updates import read_versions
from runs.live.live_timings import DEFAULT_TIMINGS, LiveTimings
from runs.live.sockets import close_codes
from runs.live.sockets.authentication import seen_by_session
from runs.live.sockets.connections import Sockets

T = TypeVar("T")

logger = logging.getLogger(__name__)

OFFLINE_AFTER_LOOKS = 2
"""A single failed poll has no consequence; after two, a page that says "live" would be wrong."""


class Hub:
    """The live view of one process. It belongs to the event loop it was created in."""

    def __init__(self, timings: LiveTimings = DEFAULT_TIMINGS) -> None:
        self.timings = timings
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self.reader = DatabaseReader()
        self.slow_reader = DatabaseReader()
        """For long responses, which are read at the client's speed: live pages do not wait for them."""
        self.sockets = Sockets(self.reader, self.spawn, timings)
        self.board = DashboardFeed(self.reader, self.spawn, timings)
        self._feeds: dict[UUID, RunFeed] = {}
        self._render_turns = asyncio.Semaphore()
        """One text at a time: live replies leave the other processes of the render pool to steps."""
        self._layer: Any = get_channel_layer()
        self._channel = ""
        self._is_closed = False
        self._failed_looks = 0
        doorbell.set_home(self._loop)
        self._listen_again()
        self.spawn(self._poll())

    def spawn(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Start `work` in an empty context, as a task that ends with the hub."""
        # Not in the context of the socket that caused it: its database executor ends with that socket.
        task = self._loop.create_task(work, context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._task_done)
        return task

    async def seen_by(self, session_key: str) -> tuple[Any, bool]:
        """As `seen_by_session`; sockets of one session that arrive together share a read."""
        return await self.reader.run_shared(("session", session_key), seen_by_session, session_key)

    def is_watched(self, run_id: UUID) -> bool:
        """True while a viewer in this process watches the run."""
        return run_id in self._feeds

    async def watch(self, run_id: UUID, watcher: Watcher, head: int) -> RunFeed:
        """Subscribe `watcher` to a run. `head` is the run's last sequence, read before."""
        feed = self._feeds.get(run_id)
        if feed is None:
            feed = self._feeds[run_id] = RunFeed(
                run_id, head, self.reader, self.spawn, timings=self.timings, render_turns=self._render_turns
            )
            await self._join(doorbell.run_group(run_id))
        # Subscribed before it reads, so that no step falls between its read and its first update.
        is_first = not feed.is_watched
        feed.add(watcher)
        if is_first:
            self.spawn(doorbell.ask_for_replies(run_id))
        return feed

    async def unwatch(self, feed: RunFeed, watcher: Watcher) -> None:
        """Unsubscribe `watcher`; the last one also leaves the channel group."""
        feed.remove(watcher)
        if not feed.is_watched and self._feeds.get(feed.run_id) is feed:
            del self._feeds[feed.run_id]
            feed.close()
            await self._leave(doorbell.run_group(feed.run_id))

    async def close(self) -> None:
        """Cancel all tasks, and close the readers."""
        self._is_closed = True
        doorbell.set_home(None)
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self.reader.close()
        await self.slow_reader.close()
        _hubs.pop(self._loop, None)

    def _task_done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            logger.error("A task of the live view failed.", exc_info=error)

    # --- The doorbell ---

    def _listen_again(self) -> None:
        if not self._is_closed:
            self.spawn(self._listen())

    async def _listen(self) -> None:
        try:
            self._channel = await self._layer.new_channel("live")
            await self._join_all()
            self._everybody_looks_again()
            while True:
                await self._hear(await self._layer.receive(self._channel))
        finally:
            # Each layer raises its own errors: after any of them, listen again on a new channel.
            if not self._is_closed:
                self._loop.call_later(self.timings.listen_again_after_s, self._listen_again)

    async def _hear(self, message: Message) -> None:
        run_id = UUID(message["run"])
        if message["type"] == "doorbell.dashboard":
            changed = [run_id, *map(UUID, message.get("others", ()))]
            for each in changed:
                self.board.look_again(each)
            for beside in self._feeds.values():
                if any(map(beside.shows, changed)):
                    beside.look_again()
        elif (feed := self._feeds.get(run_id)) is None:
            return
        elif message["type"] == "doorbell.show":
            await feed.hear(message["frame"])
        else:
            feed.look_again()

    def _everybody_looks_again(self) -> None:
        for feed in self._feeds.values():
            feed.look_again()
        self.board.look_at_everything()

    async def _join_all(self) -> None:
        for group in [doorbell.DASHBOARD_GROUP, *map(doorbell.run_group, self._feeds)]:
            await self._join(group)

    async def _join(self, group: str) -> None:
        await self._ask_layer("group_add", group)

    async def _leave(self, group: str) -> None:
        await self._ask_layer("group_discard", group)

    async def _ask_layer(self, what: str, group: str) -> None:
        """Call the layer, which may fail: then the poll finds news and joins the group again."""
        if not self._channel:
            return
        try:
            async with asyncio.timeout(self.timings.layer_limit_s):
                await getattr(self._layer, what)(group, self._channel)
        except doorbell.LAYER_ERRORS as error:
            logger.warning("The channel layer failed (%s): %s", what, error)

    # --- The poll ---

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(self.timings.poll_every_s)
            # A message that expires on the channel removes it from its groups for good; joining twice does no harm.
            await self._join_all()
            await self._forget_silent_cards()
            await self._look_for_unheard_news()

    async def _forget_silent_cards(self) -> None:
        # Not in the poll itself, which would keep the last feed, and the steps it caches, while it sleeps.
        for feed in list(self._feeds.values()):
            await feed.forget_silent_cards()

    async def _look_for_unheard_news(self) -> None:
        self.board.look_at_everything()
        watched = list(self._feeds)
        if not watched:
            return
        try:
            versions = await self.reader.run(read_versions, watched)
        except (DatabaseError, InterfaceError) as error:
            logger.warning("Could not look for news of %d watched runs: %s", len(watched), error)
            self._failed_looks += 1
            if self._failed_looks >= OFFLINE_AFTER_LOOKS:
                await self.sockets.send_away()
            return
        self._failed_looks = 0
        for run_id in watched:
            feed = self._feeds.get(run_id)
            if feed is not None and versions.get(run_id) != (feed.head, feed.version):
                feed.look_again()


_hubs: "WeakKeyDictionary[asyncio.AbstractEventLoop, Hub]" = WeakKeyDictionary()


def get_hub() -> Hub:
    """The hub of the running event loop, started at the first call."""
    loop = asyncio.get_running_loop()
    hub = _hubs.get(loop)
    if hub is None:
        hub = start_hub()
    return hub


async def read_slowly(parts: Iterator[T]) -> AsyncIterator[T]:
    """The parts of a long response, each read when the client has taken the one before."""
    reader = get_hub().slow_reader
    while (part := await reader.run(next, parts, None)) is not None:
        yield part


def start_hub(timings: LiveTimings = DEFAULT_TIMINGS) -> Hub:
    """Start the hub of the running event loop. Raises `RuntimeError` if it has one."""
    loop = asyncio.get_running_loop()
    if loop in _hubs:
        raise RuntimeError("The hub of this loop was started already.")
    hub = _hubs[loop] = Hub(timings)
    return hub


def all_hubs() -> list[Hub]:
    """The hub of every event loop of this process that has not ended; a server has one."""
    return [hub for loop, hub in list(_hubs.items()) if not loop.is_closed()]


async def close_all(code: int = close_codes.RESTARTING) -> None:
    """Close every open socket with `code` and refuse new ones. Waits for `close_limit_s` at most."""
    hub = _hubs.get(asyncio.get_running_loop())
    if hub is not None:
        await hub.sockets.close_all(code)
