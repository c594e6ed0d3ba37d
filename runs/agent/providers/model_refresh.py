"""Reading the servers' lists of models in the background, for as long as the process lives."""

import asyncio
import logging
import random
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from runs.agent.providers.catalog import Source, sources
from runs.agent.providers.model_list import LISTS

READ_EVERY_S: Final = 600.0
READ_AGAIN_AFTER_S: Final = 30.0
"""After a failure; twice as long after each further one, and never longer than `READ_EVERY_S`. A server on the same
machine often starts a moment later than we do."""

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Turn:
    """When a server is asked next."""

    at: float = 0.0
    failures: int = 0


class ModelRefresh:
    """Reads every server's list at the start and again and again, in a thread of its own."""

    def __init__(self, find_sources: Callable[[], Iterable[Source]] = sources) -> None:
        """`find_sources` tells who is to be asked, each time anew."""
        self._find_sources = find_sources
        self._turns: dict[str, _Turn] = {}
        self._stopped = threading.Event()

    def start(self) -> threading.Thread:
        """Begin to read; the thread that does it. It holds up neither the process nor its end."""
        thread = threading.Thread(target=self._work, name="agentsite-model-lists", daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        """Read no further list."""
        self._stopped.set()

    def _work(self) -> None:
        while not self._stopped.is_set():
            try:
                self.read_due()
            except Exception:
                # Without this thread the pages would show the lists of today for ever.
                logger.exception("The servers' lists of models could not be read.")
            self._stopped.wait(min(self.wait_s(), READ_EVERY_S))

    def read_due(self) -> None:
        """Read the lists whose turn it is, together. A server that does not answer holds up no other for long."""
        found = list(self._find_sources())
        # The turn of a server that is gone would be due for ever; one that comes back is asked at once.
        self._turns = {each.account: self._turn(each) for each in found}
        due = [each for each in found if self._turn(each).at <= time.monotonic()]
        if due:
            asyncio.run(_read_all(due, self._note))

    def wait_s(self) -> float:
        """How long it is until a server's turn; never less than a second."""
        next_at = min((turn.at for turn in self._turns.values()), default=time.monotonic() + READ_EVERY_S)
        return max(next_at - time.monotonic(), 1.0)

    def _turn(self, source: Source) -> _Turn:
        return self._turns.setdefault(source.account, _Turn())

    def _note(self, source: Source, *, is_read: bool) -> None:
        turn = self._turn(source)
        turn.failures = 0 if is_read else turn.failures + 1
        wait_s = READ_EVERY_S if is_read else min(READ_AGAIN_AFTER_S * 2 ** min(turn.failures - 1, 10), READ_EVERY_S)
        # Workers that were started together do not ask together for ever.
        turn.at = time.monotonic() + wait_s * random.uniform(0.9, 1.1)  # noqa: S311 - no secret


async def _read_all(due: Iterable[Source], note: Callable[..., None]) -> None:
    async with asyncio.TaskGroup() as group:
        for source in due:
            group.create_task(_read(source, note))


async def _read(source: Source, note: Callable[..., None]) -> None:
    from runs.agent.providers.list_requests import ListUnavailable, read_list  # its HTTP client takes 0.2 s to load

    try:
        models = await read_list(source.server, source.kind)
    except ListUnavailable as reason:
        if str(reason) != source.models.fault:  # said once: a server that has no list is asked for it all day
            logger.info("The list of models of %r could not be read: %s.", source.server.name, reason)
        LISTS.note_fault(source.account, str(reason))
        note(source, is_read=False)
    else:
        LISTS.note(source.account, models)
        note(source, is_read=True)
