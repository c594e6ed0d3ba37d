"""The dashboards that are open here, and what changed for each of them."""

import asyncio
import json
import logging
from collections.abc import Iterable
from typing import Any, Protocol
from uuid import UUID

from django.db import DatabaseError

from runs.live import board, fragments
from runs.live.feed import Spawn
from runs.live.reader import Reader
from runs.models import Run

logger = logging.getLogger(__name__)

FLUSH_EVERY_S = 0.25
"""Rows change with every step of every run; a dashboard shows them at most this often."""

RETRY_AFTER_S = 2.0
"""The wait after the database did not answer."""

RowVersion = tuple[Any, ...]


class BoardWatcher(Protocol):
    """Somebody who looks at a dashboard."""

    user: Any

    async def show(self, text: str) -> None:
        """Send a frame."""


class Audience:
    """Watchers who may see the same runs: one user's dashboards, or all of staff's."""

    def __init__(self, user: Any) -> None:
        self.user = user
        self.watchers: set[BoardWatcher] = set()
        self.known: dict[UUID, RowVersion] = {}
        self.counts = ""


class BoardFeed:
    """Collects what changed and tells each audience once."""

    def __init__(self, reader: Reader, spawn: Spawn) -> None:
        self._reader = reader
        self._spawn = spawn
        self._audiences: dict[Any, Audience] = {}
        self._newcomers: set[BoardWatcher] = set()
        self._changed: set[UUID] = set()
        self._everything = False
        self._flushing: asyncio.Task[None] | None = None

    def add(self, watcher: BoardWatcher) -> None:
        """Somebody came; the whole state goes to them first."""
        self._newcomers.add(watcher)
        self._flush_soon()

    def remove(self, watcher: BoardWatcher) -> None:
        """Somebody left."""
        self._newcomers.discard(watcher)
        audience = self._audiences.get(_audience_key(watcher.user))
        if audience is not None:
            audience.watchers.discard(watcher)
            if not audience.watchers:
                del self._audiences[_audience_key(watcher.user)]

    def look_again(self, run_id: UUID) -> None:
        """The row of a run changed."""
        self._changed.add(run_id)
        self._flush_soon()

    def look_at_everything(self) -> None:
        """Something may have changed that nobody rang for."""
        self._everything = True
        self._flush_soon()

    def _flush_soon(self) -> None:
        if self._flushing is None and (self._audiences or self._newcomers):
            self._flushing = self._spawn(self._flush())
            self._flushing.add_done_callback(self._flushed)

    def _flushed(self, _task: "asyncio.Task[None]") -> None:
        self._flushing = None
        if self._newcomers or self._changed or self._everything:
            self._flush_soon()

    async def _flush(self) -> None:
        while self._newcomers or self._changed or self._everything:
            try:
                await self._welcome()
                await self._tell_changes()
            except DatabaseError as error:
                logger.warning("Could not read the runs for the dashboards: %s", error)
                self._everything = True
                await asyncio.sleep(RETRY_AFTER_S)
            await asyncio.sleep(FLUSH_EVERY_S)

    async def _welcome(self) -> None:
        while self._newcomers:
            watcher = next(iter(self._newcomers))
            audience = Audience(watcher.user)
            first = await self._reader.run(_read_everything, audience)
            if watcher not in self._newcomers:
                continue  # left meanwhile
            self._newcomers.discard(watcher)
            self._audiences.setdefault(_audience_key(watcher.user), audience).watchers.add(watcher)
            for text in first:
                await watcher.show(text)

    async def _tell_changes(self) -> None:
        changed, self._changed = self._changed, set()
        everything, self._everything = self._everything, False
        for audience in list(self._audiences.values()):
            if everything:
                frames = await self._reader.run(_read_everything, audience)
            else:
                frames = await self._reader.run(_read_changed, audience, changed)
            for text in frames:
                for watcher in list(audience.watchers):
                    await watcher.show(text)


def _audience_key(user: Any) -> Any:
    return "staff" if user.is_staff else user.pk


def _read_everything(audience: Audience) -> list[str]:
    runs = list(board.runs_for(audience.user))
    frames = _frames(audience, runs)
    audience.known = {run.pk: _version(run) for run in runs}
    return frames


def _read_changed(audience: Audience, changed: set[UUID]) -> list[str]:
    rows = Run.objects.visible_to(audience.user).filter(pk__in=changed).select_related("agent", "user")
    return _frames(audience, rows.defer("config", "answer", "output", "error").order_by("created_at", "pk"))


def _frames(audience: Audience, runs: Iterable[Run]) -> list[str]:
    """The rows that changed, oldest first, and the counts if they did."""
    frames = []
    changed = [run for run in runs if audience.known.get(run.pk) != _version(run)]
    if changed:
        audience.known |= {run.pk: _version(run) for run in changed}
        show_owner = bool(audience.user.is_staff)
        rows = [[str(run.pk), fragments.run_row_html(run, show_owner=show_owner)] for run in changed]
        frames.append(json.dumps({"rows": rows}))
    counts = fragments.counts_html(board.counts_for(audience.user))
    if counts != audience.counts:
        audience.counts = counts
        frames.append(json.dumps({"counts": counts}))
    return frames


def _version(run: Run) -> RowVersion:
    asked = (run.cancel_requested_at, run.pause_requested_at)
    return (run.status, run.waiting_for, *asked, run.next_sequence, run.severity, run.ended_at)
