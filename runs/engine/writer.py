"""The one place that writes what runs do: a thread, a connection, and group commit.

The thread takes whatever is queued, commits it as one transaction, and takes again; a batch grows by itself under load
and nobody sleeps. Each write carries the epoch of its host's claim. A write whose claim is no longer the run's is
*fenced*: refused, alone.
"""

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar
from uuid import UUID

from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction

from runs.agent.current_run import about_run
from runs.engine import crashpoints, metrics
from runs.engine.batch import Batch
from runs.engine.courtesy import COURTESY
from runs.engine.writes import Outcome, Write

logger = logging.getLogger(__name__)

T = TypeVar("T")

MAX_BATCH = 200
"""Writes in one transaction: a short write of a page waits for one batch at most (about 20 ms)."""
WOKEN_AT_ONCE = 16
"""Runs that go on in one turn of the loop, each for a part of a millisecond."""
WOKEN_BESIDE_GUESTS = 4
BREATH_S = 0.008
"""While somebody waits for a page: fewer, with time between them in which nothing competes with the request."""
GIVE_UP_AFTER_S = 300
"""How long a batch is tried again while the database cannot be written."""
RETRY_EVERY_S = 0.5

OnCommitted = Callable[[Sequence[Write]], None]


class Job(Future[T]):
    """A short piece of database work done in the writer's next transaction. Its result is the function's."""

    def __init__(self, work: Callable[[], T]) -> None:
        super().__init__()
        self.work = work


class Writer:
    """The process' writer. `start` it on the loop its writes are awaited on."""

    def __init__(self, on_committed: OnCommitted) -> None:
        self._on_committed = on_committed
        self._lost: dict[UUID, tuple[int, Outcome]] = {}
        """The claims (run: epoch) that lost a write, and how. What is queued behind it builds on it: it is lost too."""
        self._queue: queue.SimpleQueue[Write | Job[Any] | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start the thread. Outcomes are delivered on `loop`."""
        self._loop = loop
        self._stopping.clear()
        self._thread = threading.Thread(target=self._work, name="agentsite-writer", daemon=True)
        self._thread.start()

    def submit(self, write: Write) -> None:
        """Queue a write; `write.outcome` is set, and its waiter woken, when it is committed or refused."""
        write.queued_at = time.monotonic()
        self._queue.put(write)

    async def do(self, work: Callable[[], T]) -> T:
        """Run `work` in the writer's next transaction; its result. It must bear being run again after a rollback."""
        job = Job(work)
        self._queue.put(job)
        return await asyncio.wrap_future(job)

    async def stop(self) -> None:
        """Commit what is queued, end the thread and close its connection."""
        if self._thread is None:
            return
        self._stopping.set()
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)
        self._thread = None

    # In the thread

    def _work(self) -> None:
        try:
            while (items := self._take()) is not None:
                self._settle(items)
        finally:
            connection.close()

    def _take(self) -> list[Write | Job[Any]] | None:
        """Everything queued, at least one item; None when told to stop and nothing is left."""
        items: list[Write | Job[Any]] = []
        while len(items) < MAX_BATCH:
            try:
                item = self._queue.get(block=not items)
            except queue.Empty:
                break
            if item is None:
                if not items and self._queue.empty():
                    return None
                self._queue.put(None)  # Still work before the end.
                if items or self._queue.qsize() == 1:
                    break
                continue
            if not items:
                COURTESY.let_pass()
            items.append(item)
        return items

    def _settle(self, items: list[Write | Job[Any]]) -> None:
        """Commit the items; those that cannot be are told why, without harm to the others."""
        jobs = [item for item in items if isinstance(item, Job)]
        writes = [item for item in items if isinstance(item, Write)]
        if jobs:
            self._do_jobs(jobs)
        writes = self._without_lost_claims(writes)
        if not writes:
            return
        try:
            self._commit_patiently(writes)
        except (OperationalError, InterfaceError) as error:
            # The database itself: one by one, each write would wait that long again.
            logger.exception("%d writes failed.", len(writes))
            self._lose(writes, error)
        except Exception as error:
            # One row that cannot be written must not take the other runs' steps with it.
            if len(writes) > 1:
                for write in writes:
                    self._settle([write])
                return
            with about_run(writes[0].run_id):
                logger.exception("A write of run %s failed.", writes[0].run_id)
            self._lose(writes, error)
        self._deliver(writes)

    def _lose(self, writes: list[Write], error: BaseException) -> None:
        for write in writes:
            write.outcome = Outcome.failed(error)
            self._lost[write.run_id] = (write.epoch, write.outcome)

    def _without_lost_claims(self, writes: list[Write]) -> list[Write]:
        """The writes that may be tried. Those of a claim that lost one before have its outcome already."""
        if not self._lost:
            return writes
        refused = []
        for write in writes:
            epoch, outcome = self._lost.get(write.run_id, (None, None))
            if write.epoch == epoch:
                write.outcome = outcome
                refused.append(write)
        if refused:
            self._deliver(refused)
        return [write for write in writes if write.outcome is None]

    def _commit_patiently(self, writes: list[Write]) -> None:
        """Commit, trying again for `GIVE_UP_AFTER_S` while the database itself is the trouble."""
        give_up_at = time.monotonic() + GIVE_UP_AFTER_S
        written: Batch | None = None
        while True:
            began = time.monotonic()
            try:
                batch = Batch(writes, earlier=written)
                with transaction.atomic():
                    outcomes = batch.write()
                    crashpoints.at_writes("before", writes)
                crashpoints.at_writes("after", writes)
                break
            except (OperationalError, InterfaceError) as error:
                if time.monotonic() >= give_up_at or self._stopping.is_set():
                    raise
                logger.warning("The database cannot be written, trying again: %s", error)
                written = batch if batch.outcomes else written
                connection.close()
                self._stopping.wait(RETRY_EVERY_S)
        for write, outcome in zip(writes, outcomes, strict=True):
            write.outcome = outcome
        metrics.note_batch(writes, began)

    def _do_jobs(self, jobs: list[Job[Any]]) -> None:
        """Run the jobs in one transaction, each in its savepoint."""
        outcomes: list[tuple[Job[Any], Any, BaseException | None]] = []
        try:
            with transaction.atomic():
                for job in jobs:
                    try:
                        with transaction.atomic():
                            outcomes.append((job, job.work(), None))
                    except Exception as error:  # noqa: BLE001 - handed to whoever waits for the job
                        outcomes.append((job, None, error))
        except (DatabaseError, InterfaceError) as error:
            outcomes = [(job, None, error) for job in jobs]
            connection.close()
        for job, result, failure in outcomes:
            if not job.set_running_or_notify_cancel():
                continue
            if failure is not None:
                job.set_exception(failure)
            else:
                job.set_result(result)

    def _deliver(self, writes: list[Write]) -> None:
        metrics.note_refused(writes)
        loop = self._loop
        if loop is None or loop.is_closed():
            return
        loop.call_soon_threadsafe(self._tell, writes)

    def _tell(self, writes: list[Write], first: int = 0) -> None:
        """Wake who waits, a few at a time: between two slices the loop looks after everybody else, and people first."""
        if first == 0:
            self._on_committed(writes)
        is_quiet = not COURTESY.has_guest()
        following = first + (WOKEN_AT_ONCE if is_quiet else WOKEN_BESIDE_GUESTS)
        for write in writes[first:following]:
            write.wake()
        if self._loop is not None and following < len(writes):
            self._loop.call_later(0 if is_quiet else BREATH_S, self._tell, writes, following)
