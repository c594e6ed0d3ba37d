"""The background thread that reads the servers' model lists."""

import asyncio
import logging
import random
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from runs.agent.providers.model_catalog.catalog import Source, sources
from runs.agent.providers.model_catalog.model_list import LISTS

READ_EVERY_S: Final = 600.0
READ_AGAIN_AFTER_S: Final = 30.0
"""The interval after a failure, doubled after each further one up to `READ_EVERY_S`. Short, because a server on the
same machine often starts a moment later than the site."""

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Schedule:
    """The next request to a server, by the monotonic clock."""

    at: float = 0.0
    failures: int = 0


class ModelRefresh:
    """Reads every server's list at the start and then periodically, in its own thread."""

    def __init__(self, find_sources: Callable[[], Iterable[Source]] = sources) -> None:
        """`find_sources` returns the sources; it is called before each round."""
        self._find_sources = find_sources
        self._schedules: dict[str, _Schedule] = {}
        self._stopped = threading.Event()

    def start(self) -> threading.Thread:
        """Start the daemon thread, and return it."""
        thread = threading.Thread(target=self._work, name="agentsite-model-lists", daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        """Stop before the next round."""
        self._stopped.set()

    def _work(self) -> None:
        while not self._stopped.is_set():
            try:
                self.read_due()
            except Exception:
                # Without this thread the lists would never be updated again.
                logger.exception("The servers' lists of models could not be read.")
            self._stopped.wait(min(self.wait_s(), READ_EVERY_S))

    def read_due(self) -> None:
        """Read all due lists in parallel. A server that does not answer delays the others by the time limit at most."""
        found = list(self._find_sources())
        # The schedules of removed servers are dropped: they would be due forever. A server that returns is due at once.
        self._schedules = {each.account: self._schedule(each) for each in found}
        due = [each for each in found if self._schedule(each).at <= time.monotonic()]
        if due:
            asyncio.run(_read_all(due, self._note))

    def wait_s(self) -> float:
        """Seconds until the next list is due, at least 1."""
        next_at = min((schedule.at for schedule in self._schedules.values()), default=time.monotonic() + READ_EVERY_S)
        return max(next_at - time.monotonic(), 1.0)

    def _schedule(self, source: Source) -> _Schedule:
        return self._schedules.setdefault(source.account, _Schedule())

    def _note(self, source: Source, *, is_read: bool) -> None:
        schedule = self._schedule(source)
        schedule.failures = 0 if is_read else schedule.failures + 1
        wait_s = (
            READ_EVERY_S if is_read else min(READ_AGAIN_AFTER_S * 2 ** min(schedule.failures - 1, 10), READ_EVERY_S)
        )
        # Jitter: workers that were started together must not send their requests together.
        schedule.at = time.monotonic() + wait_s * random.uniform(0.9, 1.1)  # noqa: S311 - no secret


async def _read_all(due: Iterable[Source], note: Callable[..., None]) -> None:
    async with asyncio.TaskGroup() as group:
        for source in due:
            group.create_task(_read(source, note))


async def _read(source: Source, note: Callable[..., None]) -> None:
    from runs.agent.providers.model_catalog.list_requests import (  # its HTTP client takes 0.2 s to load
        ListUnavailable,
        read_list,
    )

    try:
        models = await read_list(source.server, source.kind)
    except ListUnavailable as reason:
        if str(reason) != source.models.fault:  # logged once: a server without a list is asked again all day
            logger.info("The list of models of %r could not be read: %s.", source.server.name, reason)
        LISTS.note_fault(source.account, str(reason))
        note(source, is_read=False)
    else:
        LISTS.note(source.account, models)
        note(source, is_read=True)
