"""The sender of a process: it claims events, sends many at once in a thread of its own, and records what came of it.

Its event loop is its own, so that no receiver delays runs or pages. A webhook has few requests under way at a time, and
one at a time while it fails: a dead or slow receiver takes no place from the others.
"""

import asyncio
import contextlib
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from random import SystemRandom
from typing import Final, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection

from runs.agent.redaction.redactor import Redactor
from runs.engine.db_clock import database_now
from runs.engine.operations import fault_points
from runs.engine.operations.known_secrets import known_secrets
from runs.engine.webhooks import outbox
from runs.engine.webhooks.claims import ClaimedEvent, claim, release_all, waiting_webhooks
from runs.engine.webhooks.receivers import receiver_rules
from runs.engine.webhooks.request import ATTEMPT_LIMIT_S, Told, tell
from runs.engine.webhooks.results import record
from runs.models import WebhookAttempt

logger = logging.getLogger(__name__)

T = TypeVar("T")

MOST_AT_ONCE: Final = 200
"""Requests under way in a process."""
MOST_PER_WEBHOOK: Final = 4
MOST_WHILE_FAILING: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderTimings:
    """All timings of a sender, in seconds. Tests shorten them."""

    look_every_s: float = 1.0
    """Between two searches for events that other processes wrote, or whose time has come."""
    attempt_limit_s: float = ATTEMPT_LIMIT_S
    record_again_every_s: float = 0.5
    recorded_within_s: float = 30.0
    """How long a result is held while the database cannot be written. The claim runs out after that, and the event is
    sent again."""
    stop_limit_s: float = 5.0
    """How long requests under way may take to end when the process stops."""


class WebhookSender:
    """The sender of this process. `start` and `stop` it from any thread."""

    def __init__(self, timings: SenderTimings | None = None) -> None:
        self._timings = timings or SenderTimings()
        self._known = known_secrets()
        self._chance = SystemRandom()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wanted = asyncio.Event()
        self._stopping = False
        self._under_way: Counter[UUID] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._database = ThreadPoolExecutor(1, thread_name_prefix="agentsite-webhooks-db")
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to send, also what an earlier process left."""
        self._loop = loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._work, args=[loop], name="agentsite-webhooks", daemon=True)
        outbox.set_wake(self.wake)
        self._thread.start()

    def wake(self) -> None:
        """Look for events now. From any thread."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it was closed meanwhile
                self._loop.call_soon_threadsafe(self._wanted.set)

    def stop(self) -> None:
        """Claim nothing more, let the requests under way end, and record them. What does not end in time is sent again
        by another process, or after the next start. No effect on one that was not started."""
        outbox.set_wake(None)
        if self._thread is None:
            return
        self._stopping = True
        self.wake()
        self._thread.join(self._timings.stop_limit_s * 2)

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
            try:
                if is_first and not settings.IS_SCALE_OUT:
                    await self._query(release_all)
                is_first = False
                await self._claim_and_send()
            except (DatabaseError, InterfaceError) as error:
                logger.warning("The webhooks' events could not be read, trying again: %s", error)
                await self._query(close_connection)
            except Exception:
                logger.exception("The sender of webhooks failed, it goes on.")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._timings.look_every_s):
                    await self._wanted.wait()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._timings.stop_limit_s)

    async def _claim_and_send(self) -> None:
        for webhook_id, is_failing in await self._query(lambda: waiting_webhooks(database_now())):
            most = MOST_WHILE_FAILING if is_failing else MOST_PER_WEBHOOK
            room = min(most - self._under_way[webhook_id], MOST_AT_ONCE - self._under_way.total())
            if room <= 0 or self._stopping:
                continue
            for claimed in await self._query(partial(_claim_now, webhook_id, room)):
                self._under_way[webhook_id] += 1
                task = asyncio.create_task(self._send(claimed))
                self._tasks.add(task)
                task.add_done_callback(partial(self._end, webhook_id))

    def _end(self, webhook_id: UUID, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._under_way[webhook_id] -= 1
        if self._under_way[webhook_id] <= 0:
            del self._under_way[webhook_id]
        self._wanted.set()  # There is a place for the next one.
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("An attempt of a webhook failed here.", exc_info=error)

    async def _send(self, claimed: ClaimedEvent) -> None:
        if claimed.signing:
            told = await tell(
                claimed.url,
                claimed.message_id,
                claimed.body,
                list(claimed.signing),
                rules=receiver_rules(),
                # A receiver knows its secret, and could send it back.
                redactor=Redactor([*self._known, *claimed.signing]),
                limit_s=self._timings.attempt_limit_s,
            )
        else:
            told = Told(outcome=WebhookAttempt.Outcome.SEALED)
        fault_points.crashpoint("webhook_sent")
        await self._record(claimed, told)

    async def _record(self, claimed: ClaimedEvent, told: Told) -> None:
        give_up_at = time.monotonic() + self._timings.recorded_within_s
        while True:
            try:
                return await self._query(lambda: record(claimed, told, database_now(), self._chance))
            except (DatabaseError, InterfaceError) as error:
                if time.monotonic() >= give_up_at:
                    raise
                logger.warning("The result of a webhook could not be recorded, trying again: %s", error)
                await self._query(close_connection)
                await asyncio.sleep(self._timings.record_again_every_s)

    async def _query(self, work: Callable[[], T]) -> T:
        """Run `work` in the thread of the database, on its connection."""
        return await asyncio.get_running_loop().run_in_executor(self._database, work)


def close_connection() -> None:
    """Close the connection of the calling thread."""
    connection.close()


def _claim_now(webhook_id: UUID, most: int) -> list[ClaimedEvent]:
    return claim(webhook_id, most, database_now())
