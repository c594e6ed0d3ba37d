"""The only writer of what runs do: one thread, one connection, group commit.

The thread takes all queued writes, commits them as one transaction, and takes again; a batch grows under load, and
there is no waiting time. Each write carries the epoch of its host's claim. A write whose claim is no longer the run's
is *fenced*: it alone is refused.
"""

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from typing import Any, Literal, TypeVar
from uuid import UUID

from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction

from runs.agent.log_context import run_context
from runs.database_outages import check_not_rolled_back, outage_of
from runs.engine.host_timings import DEFAULT_TIMINGS, HostTimings
from runs.engine.operations import fault_points
from runs.engine.writing.batch import Batch
from runs.engine.writing.request_priority import REQUEST_PRIORITY
from runs.engine.writing.write_metrics import note_batch, note_refused
from runs.engine.writing.writes import Write, WriteOutcome
from runs.writer_status import STANDSTILL

logger = logging.getLogger(__name__)

T = TypeVar("T")

MAX_BATCH = 200
"""Writes in one transaction: a short write of a page waits for one batch at most (about 20 ms)."""
WOKEN_AT_ONCE = 16
"""Runs woken in one turn of the event loop; each takes a fraction of a millisecond."""
WOKEN_BESIDE_REQUESTS = 4
BREATH_S = 0.008
"""Pause between smaller groups of woken runs while a page request is in progress, which then has the interpreter."""

OnCommitted = Callable[[Sequence[Write]], None]


class Job(Future[T]):
    """A short database function that runs in the writer's next transaction. The future has its result."""

    def __init__(self, work: Callable[[], T]) -> None:
        super().__init__()
        self.work = work


class Writer:
    """The writer of this process. `start` it on the loop that awaits its writes."""

    def __init__(self, on_committed: OnCommitted, timings: HostTimings = DEFAULT_TIMINGS) -> None:
        self._timings = timings
        self._on_committed = on_committed
        self._lost: dict[UUID, tuple[int, WriteOutcome]] = {}
        """The claims (run: epoch) that lost a write, and its outcome. Later writes of the claim build on it and fail
        too."""
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
        """Queue a write; after its commit or refusal `write.outcome` is set and its waiter woken."""
        write.queued_at = time.monotonic()
        self._queue.put(write)

    async def do(self, work: Callable[[], T]) -> T:
        """Run `work` in the writer's next transaction and return its result.

        It runs once: if the transaction is rolled back, the caller gets the error. Raises what `work` raises.
        """
        job = Job(work)
        self._queue.put(job)
        return await asyncio.wrap_future(job)

    async def stop(self) -> None:
        """Commit what is queued, end the thread and close its connection. A second call waits for the same."""
        if self._thread is None:
            return
        if not self._stopping.is_set():
            self._stopping.set()
            self._queue.put(None)
        await asyncio.to_thread(self._thread.join)
        self._thread = None

    # In the thread

    def _work(self) -> None:
        try:
            while self._settle_next():
                pass
        finally:
            connection.close()

    def _settle_next(self) -> bool:
        """Wait for items and commit them. False at the end.

        Not in the endless loop, whose variables would keep the last steps in memory until the next come.
        """
        items = self._take()
        if items is None:
            return False
        self._settle(items)
        return True

    def _take(self) -> list[Write | Job[Any]] | None:
        """All queued items, at least one; None after `stop` when nothing is left."""
        items: list[Write | Job[Any]] = []
        while len(items) < MAX_BATCH:
            try:
                item = self._queue.get(block=not items)
            except queue.Empty:
                break
            if item is None:
                if not items and self._queue.empty():
                    return None
                self._queue.put(None)  # The end marker goes behind the remaining items.
                if items:
                    break
                continue
            if not items:
                REQUEST_PRIORITY.yield_to_requests()
            items.append(item)
        return items

    def _settle(self, items: list[Write | Job[Any]]) -> None:
        """Commit the items. An item that cannot be committed gets its error, and the others are committed."""
        jobs = [item for item in items if isinstance(item, Job)]
        writes = [item for item in items if isinstance(item, Write)]
        if jobs:
            self._do_jobs(jobs)
        writes = self._without_lost_claims(writes)
        if not writes:
            return
        try:
            self._commit_patiently(writes)
        except Exception as error:
            if _is_the_database(error):
                # Retrying one by one would wait just as long for each write.
                logger.exception("%d writes failed.", len(writes))
                self._lose(writes, error)
                self._deliver(writes)
                return
            # One row that cannot be written must not fail the steps of other runs.
            if len(writes) > 1:
                for write in writes:
                    self._settle([write])
                return
            with run_context(writes[0].run_id):
                logger.exception("A write of run %s failed.", writes[0].run_id)
            self._lose(writes, error)
        self._deliver(writes)

    def _lose(self, writes: list[Write], error: BaseException) -> None:
        for write in writes:
            write.outcome = WriteOutcome.failed(error)
            self._lost[write.run_id] = (write.epoch, write.outcome)

    def _without_lost_claims(self, writes: list[Write]) -> list[Write]:
        """The writes to try. Writes of a claim that lost one before get the same outcome at once."""
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
        """Commit, retrying for a while if the database itself is unavailable."""
        is_written = False
        STANDSTILL.begin()
        try:
            self._commit_until(time.monotonic() + self._timings.write_given_up_after_s, writes)
            is_written = True
        finally:
            STANDSTILL.end(is_written=is_written)

    def _commit_until(self, give_up_at: float, writes: list[Write]) -> None:
        written: Batch | None = None
        while True:
            began = time.monotonic()
            try:
                batch = Batch(writes, earlier=written)
                with transaction.atomic():
                    outcomes = batch.write()
                    _at_writes("before", writes, outcomes)
                _at_writes("after", writes, outcomes)
                break
            except (DatabaseError, InterfaceError) as error:
                if not _is_the_database(error) or time.monotonic() >= give_up_at or self._stopping.is_set():
                    raise
                STANDSTILL.fail(error)
                written = batch if batch.outcomes else written
                connection.close()
                self._stopping.wait(self._timings.write_retry_every_s)
        for write, outcome in zip(writes, outcomes, strict=True):
            write.outcome = outcome
        note_batch(writes, began)

    def _do_jobs(self, jobs: list[Job[Any]]) -> None:
        """Run the jobs in one transaction, each in its savepoint. All fail if that transaction is lost."""
        outcomes: list[tuple[Job[Any], Any, BaseException | None]] = []
        try:
            with transaction.atomic():
                for job in jobs:
                    try:
                        with transaction.atomic():
                            result = job.work()
                        outcomes.append((job, result, None))
                    except Exception as error:  # noqa: BLE001 - raised in the thread that waits for the job
                        outcomes.append((job, None, error))
                    check_not_rolled_back(cause=outcomes[-1][-1])
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
        note_refused(writes)
        loop = self._loop
        if loop is None or loop.is_closed():
            return
        loop.call_soon_threadsafe(self._tell, writes)

    def _tell(self, writes: list[Write], first: int = 0) -> None:
        """Wake the waiters in small groups; between two groups the event loop serves the rest, page requests first."""
        if first == 0:
            self._on_committed(writes)
        is_quiet = not REQUEST_PRIORITY.has_request()
        following = first + (WOKEN_AT_ONCE if is_quiet else WOKEN_BESIDE_REQUESTS)
        for write in writes[first:following]:
            write.wake()
        if self._loop is not None and following < len(writes):
            self._loop.call_later(0 if is_quiet else BREATH_S, self._tell, writes, following)


def _is_the_database(error: Exception) -> bool:
    """True if the database itself is unavailable, and not one of the writes at fault."""
    return isinstance(error, (OperationalError, InterfaceError)) or outage_of(error) is not None


def _at_writes(when: Literal["before", "after"], writes: Iterable[Write], outcomes: Iterable[WriteOutcome]) -> None:
    """The fault points of a batch, on one side of its commit."""
    if fault_points.are_on():
        for write, outcome in zip(writes, outcomes, strict=True):
            if boundary := _boundary(write, outcome):
                fault_points.crashpoint(f"{when}_{boundary}")


def _boundary(write: Write, outcome: WriteOutcome) -> str:
    if outcome.messages:
        return "read_messages"
    if write.leaves:
        return {"idle": "suspend", "waiting": "park", "cancelled": "cancel"}.get(write.status or "", "finish")
    if write.new_calls:
        return "reply"
    if any(call.state == "started" for call in write.calls):
        return "start"
    if any(call.state == "awaiting_child" for call in write.calls):
        return "await_child"
    return "result" if write.calls else ""
