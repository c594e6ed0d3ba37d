"""The open dashboards of this process, and the changed rows for each of them."""

import asyncio
import json
import logging
from collections.abc import Iterable
from typing import Any, Protocol
from uuid import UUID

from django.db import DatabaseError
from django.utils import translation

from runs.live.feeds import dashboard_queries
from runs.live.feeds.db_reader import DatabaseReader
from runs.live.feeds.run_feed import Spawn
from runs.live.live_timings import DEFAULT_TIMINGS, LiveTimings
from runs.live.rendering import fragments
from runs.live.rendering.run_lines import add_lines, with_starts
from runs.models import Run
from runs.models.permissions import may_see_all

logger = logging.getLogger(__name__)

RowVersion = tuple[Any, ...]


WELCOMES_AT_ONCE = 8
"""Audiences that get the whole state in one flush, before the others get their changes."""


class DashboardWatcher(Protocol):
    """A viewer of a dashboard."""

    user: Any
    language: str

    async def show(self, text: str) -> None:
        """Send a frame."""


class Audience:
    """Watchers who are shown the same: the dashboards in one language of one user, or of all who see everybody's
    runs."""

    def __init__(self, user: Any, language: str) -> None:
        self.user = user
        self.language = language
        self.watchers: set[DashboardWatcher] = set()
        self.known: dict[UUID, RowVersion] = {}
        self.counts = ""


class DashboardFeed:
    """Collects changed runs and sends each audience its frames once."""

    def __init__(self, reader: DatabaseReader, spawn: Spawn, timings: LiveTimings = DEFAULT_TIMINGS) -> None:
        self._timings = timings
        self._reader = reader
        self._spawn = spawn
        self._audiences: dict[Any, Audience] = {}
        self._newcomers: dict[DashboardWatcher, None] = {}
        """In the order of their arrival."""
        self._changed: set[UUID] = set()
        self._everything = False
        self._flushing: asyncio.Task[None] | None = None

    def add(self, watcher: DashboardWatcher) -> None:
        """Add a watcher, or restart one that asks for everything again; the whole state is sent first."""
        self._newcomers.setdefault(watcher)
        self._flush_soon()

    def remove(self, watcher: DashboardWatcher) -> None:
        """Unsubscribe a watcher."""
        self._newcomers.pop(watcher, None)
        audience = self._audiences.get(_audience_key(watcher))
        if audience is not None:
            audience.watchers.discard(watcher)
            if not audience.watchers:
                del self._audiences[_audience_key(watcher)]

    def look_again(self, run_id: UUID) -> None:
        """Note that the row of a run changed."""
        self._changed.add(run_id)
        self._flush_soon()

    def look_at_everything(self) -> None:
        """Read all rows again: a doorbell message may be lost."""
        self._everything = True
        self._flush_soon()

    def _flush_soon(self) -> None:
        if self._flushing is None and (self._audiences or self._newcomers):
            self._flushing = self._spawn(self._flush())
            self._flushing.add_done_callback(self._flushed)

    def _flushed(self, task: "asyncio.Task[None]") -> None:
        self._flushing = None
        if not task.cancelled() and (self._newcomers or self._changed or self._everything):
            self._flush_soon()

    async def _flush(self) -> None:
        while self._newcomers or self._changed or self._everything:
            try:
                await self._welcome()
                await self._tell_changes()
            except DatabaseError as error:
                logger.warning("Could not read the runs for the dashboards: %s", error)
                self._everything = True
                await asyncio.sleep(self._timings.dashboard_again_after_s)
            await asyncio.sleep(self._timings.dashboard_every_s)

    async def _welcome(self) -> None:
        """Send the whole state to the newcomers known at the start; each audience is read once.

        A later newcomer waits for the next flush, so that reconnecting clients cannot starve the others.
        """
        by_audience: dict[Any, list[DashboardWatcher]] = {}
        for watcher in self._newcomers:
            by_audience.setdefault(_audience_key(watcher), []).append(watcher)
        for key, watchers in list(by_audience.items())[:WELCOMES_AT_ONCE]:
            audience = Audience(watchers[0].user, watchers[0].language)
            first = await self._reader.run(_read_everything, audience)
            here = [watcher for watcher in watchers if watcher in self._newcomers]  # The others left during the read.
            for watcher in here:
                del self._newcomers[watcher]
                self._audiences.setdefault(key, audience).watchers.add(watcher)
            for watcher in here:
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


def _audience_key(watcher: DashboardWatcher) -> Any:
    return ("everybody's" if may_see_all(watcher.user) else watcher.user.pk), watcher.language


def _read_everything(audience: Audience) -> list[str]:
    runs = list(dashboard_queries.runs_for(audience.user))
    frames = _frames(audience, runs)
    audience.known = {run.pk: _version(run) for run in runs}
    return frames


def _read_changed(audience: Audience, changed: set[UUID]) -> list[str]:
    rows = Run.objects.visible_to(audience.user).filter(pk__in=changed).select_related("agent", "user")
    return _frames(audience, with_starts(rows).order_by("created_at", "pk"))


def _frames(audience: Audience, runs: Iterable[Run]) -> list[str]:
    """Frames with the changed rows, oldest first, and with the counts if they changed."""
    with translation.override(audience.language):
        return _written(audience, runs)


def _written(audience: Audience, runs: Iterable[Run]) -> list[str]:
    frames = []
    changed = [run for run in runs if audience.known.get(run.pk) != _version(run)]
    if changed:
        audience.known |= {run.pk: _version(run) for run in changed}
        show_owner = may_see_all(audience.user)
        rows = [[str(run.pk), fragments.run_list_item_html(run, show_owner=show_owner)] for run in add_lines(changed)]
        frames.append(json.dumps({"rows": rows}))
    counts = fragments.counts_html(dashboard_queries.counts_for(audience.user))
    if counts != audience.counts:
        audience.counts = counts
        frames.append(json.dumps({"counts": counts}))
    return frames


def _version(run: Run) -> RowVersion:
    asked = (run.cancel_requested_at, run.pause_requested_at)
    return (run.status, run.waiting_for, *asked, run.next_sequence, run.severity, run.ended_at)
