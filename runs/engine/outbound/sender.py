"""The sender of an outbox in a process: it claims rows, sends many at once in a thread of its own, and records results.

Its event loop is its own, so that no receiver delays runs or pages. An address has few requests under way at a time,
and fewer while it fails: a dead or slow receiver takes no place from the others.
"""

import asyncio
import contextlib
import logging
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from random import SystemRandom
from typing import ClassVar, Final, Generic, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connection

from runs.engine.db_clock import database_now
from runs.engine.outbound.wake_up import WakeUp

logger = logging.getLogger(__name__)

T = TypeVar("T")
Claimed = TypeVar("Claimed")
Result = TypeVar("Result")

MOST_AT_ONCE: Final = 200
"""Requests under way in a process, for each outbox."""
AGAIN_AFTER_S: Final = 60.0
"""When an address is looked at again whose rows could not be claimed by an error of ours."""
ATTEMPT_LIMIT_S: Final = 15.0
"""For one request, from the first look-up of the name to the response's status."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderTimings:
    """All timings of a sender, in seconds. Tests shorten them."""

    look_every_s: float = 1.0
    """Between two searches for rows that other processes wrote, or whose time has come."""
    idle_looks: int = 5
    """Where no other process sends, and nothing is unsent, a search begins after as many of these intervals."""
    attempt_limit_s: float = ATTEMPT_LIMIT_S
    record_again_every_s: float = 0.5
    recorded_within_s: float = 30.0
    """How long a result is held while the database cannot be written. The claim runs out after that, and the row is
    sent again."""
    stop_limit_s: float = 5.0
    """How long requests under way may take to end when the process stops."""


class OutboxSender(ABC, Generic[Claimed, Result]):
    """Sends the rows of one outbox. `start` and `stop` it from any thread."""

    NAME: ClassVar[str]
    """Of the outbox, in logs and names of threads."""
    WAKE_UP: ClassVar[WakeUp]
    MOST_PER_ADDRESS: ClassVar[int] = 4
    MOST_WHILE_FAILING: ClassVar[int] = 1

    def __init__(self, timings: SenderTimings | None = None) -> None:
        self._timings = timings or SenderTimings()
        self._chance = SystemRandom()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wanted = asyncio.Event()
        self._stopping = False
        self._under_way: Counter[UUID] = Counter()
        self._put_off: dict[UUID, float] = {}
        """Addresses whose rows could not be claimed, until when by the monotonic clock."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._database = ThreadPoolExecutor(1, thread_name_prefix=f"agentsite-{self.NAME}-db")
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to send, also what an earlier process left."""
        self._loop = loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._work, args=[loop], name=f"agentsite-{self.NAME}", daemon=True)
        self.WAKE_UP.set(self.wake)
        self._thread.start()

    def wake(self) -> None:
        """Look for rows now. From any thread."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it was closed meanwhile
                self._loop.call_soon_threadsafe(self._wanted.set)

    def stop(self) -> None:
        """Claim nothing more, let the requests under way end, and record them. What does not end in time is sent again
        by another process, or after the next start. No effect on one that was not started."""
        self.WAKE_UP.set(None)
        if self._thread is None:
            return
        self._stopping = True
        self.wake()
        self._thread.join(self._timings.stop_limit_s * 2)

    # What the outboxes differ in

    @abstractmethod
    def has_unsent(self) -> bool:
        """Whether there is a row to send, now or later. Asked once a second on an idle site: one cheap query. In the
        thread of the database, as the next four."""

    @abstractmethod
    def waiting(self, now: datetime) -> Sequence[tuple[UUID, bool]]:
        """The active addresses with a row to send now, and whether they fail at present; the longest wait first."""

    @abstractmethod
    def claim(self, address_id: UUID, most: int, now: datetime) -> list[Claimed]:
        """Claim up to `most` rows of an address, the oldest first."""

    @abstractmethod
    def record(self, claimed: Claimed, result: Result, now: datetime) -> None:
        """Store the result of an attempt."""

    @abstractmethod
    def release_all(self) -> None:
        """Let go of every claim: after a start, where no other process sends."""

    @abstractmethod
    async def tell(self, claimed: Claimed) -> Result:
        """Send a claimed row, within the limit of an attempt. Raises nothing that the receiver can cause."""

    # In the thread

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            loop.run_until_complete(self._send_for_ever())
        finally:
            loop.close()
            self._database.submit(close_connection)
            self._database.shutdown()

    async def _send_for_ever(self) -> None:
        is_first = True
        while not self._stopping:
            self._wanted.clear()
            has_unsent = True  # as long as nobody could ask
            try:
                if is_first and not settings.IS_SCALE_OUT:
                    await self._query(self.release_all)
                is_first = False
                if has_unsent := await self._query(self.has_unsent):
                    await self._claim_and_send()
            except (DatabaseError, InterfaceError) as error:
                logger.warning("The outbox of %s could not be read, trying again: %s", self.NAME, error)
                await self._query(close_connection)
            except Exception:
                logger.exception("The sender of %s failed, it goes on.", self.NAME)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._pause_s(has_unsent=has_unsent)):
                    await self._wanted.wait()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._timings.stop_limit_s)

    def _pause_s(self, *, has_unsent: bool) -> float:
        """How long to wait for a wake-up. In scale-out, other processes write rows and cannot wake this one."""
        looks = 1 if has_unsent or settings.IS_SCALE_OUT else self._timings.idle_looks
        return self._timings.look_every_s * looks

    async def _claim_and_send(self) -> None:
        for address_id, is_failing in await self._query(lambda: self.waiting(database_now())):
            most = self.MOST_WHILE_FAILING if is_failing else self.MOST_PER_ADDRESS
            room = min(most - self._under_way[address_id], MOST_AT_ONCE - self._under_way.total())
            if room <= 0 or self._stopping or self._is_put_off(address_id):
                continue
            for claimed in await self._claimed(address_id, room):
                self._under_way[address_id] += 1
                task = asyncio.create_task(self._send(claimed))
                self._tasks.add(task)
                task.add_done_callback(partial(self._end, address_id))

    async def _claimed(self, address_id: UUID, most: int) -> list[Claimed]:
        """The claimed rows of an address. An error of ours that one of them causes is logged, and holds up no other
        address."""
        try:
            return await self._query(partial(self._claim_now, address_id, most))
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            logger.exception("The rows of the address %s of %s could not be claimed.", address_id, self.NAME)
            self._put_off[address_id] = time.monotonic() + AGAIN_AFTER_S
            return []

    def _is_put_off(self, address_id: UUID) -> bool:
        until = self._put_off.get(address_id)
        if until is not None and time.monotonic() >= until:
            del self._put_off[address_id]
            return False
        return until is not None

    def _claim_now(self, address_id: UUID, most: int) -> list[Claimed]:
        return self.claim(address_id, most, database_now())

    def _end(self, address_id: UUID, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._under_way[address_id] -= 1
        if self._under_way[address_id] <= 0:
            del self._under_way[address_id]
        self._wanted.set()  # There is a place for the next one.
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("An attempt of %s failed here.", self.NAME, exc_info=error)

    async def _send(self, claimed: Claimed) -> None:
        await self._record(claimed, await self.tell(claimed))

    async def _record(self, claimed: Claimed, result: Result) -> None:
        give_up_at = time.monotonic() + self._timings.recorded_within_s
        while True:
            try:
                return await self._query(lambda: self.record(claimed, result, database_now()))
            except (DatabaseError, InterfaceError) as error:
                if time.monotonic() >= give_up_at:
                    raise
                logger.warning("A result of %s could not be recorded, trying again: %s", self.NAME, error)
                await self._query(close_connection)
                await asyncio.sleep(self._timings.record_again_every_s)

    async def _query(self, work: Callable[[], T]) -> T:
        """Run `work` in the thread of the database, on its connection."""
        return await asyncio.get_running_loop().run_in_executor(self._database, work)


def close_connection() -> None:
    """Close the connection of the calling thread."""
    connection.close()
