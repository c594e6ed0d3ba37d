"""SQLite's write lock is granted in order, first to requests, and is always released."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import DatabaseError, OperationalError, connection, connections, transaction

from runs.engine.sqlite.base import DatabaseWrapper
from runs.engine.sqlite.write_gate import FairLock, is_for_request
from runs.engine.writing.request_priority import RequestPriority

SOON_S = 10.0


class Thread(threading.Thread):
    """A thread whose failure fails the test."""

    def __init__(self, work: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self._work = work
        self.error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 - raised again by `end`
            self.error = error
        finally:
            connections.close_all()

    def end(self) -> None:
        """Wait for the end; raises what the thread raised."""
        self.join(SOON_S)
        assert not self.is_alive(), "still waiting"
        if self.error is not None:
            raise self.error


def queued(gate: FairLock) -> int:
    """The number of waiters at the gate."""
    return len(gate._waiting) + len(gate._requests)


def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait until `is_so()`."""
    tick = threading.Event()
    for _ in range(int(SOON_S / 0.005)):
        if is_so():
            return
        tick.wait(0.005)
    raise TimeoutError


def test_those_who_wait_are_let_in_in_the_order_they_came():
    gate, order = FairLock(), list[int]()
    assert gate.acquire(1)

    def enter(number: int) -> None:
        assert gate.acquire(SOON_S)
        order.append(number)
        gate.release()

    threads = []
    for number in range(20):
        threads.append(Thread(lambda number=number: enter(number)))  # type: ignore[misc]
        wait_until(lambda number=number: queued(gate) == number + 1)  # type: ignore[misc]
    gate.release()
    for thread in threads:
        thread.end()

    assert order == list(range(20))


def test_requests_go_before_others_but_never_two_in_a_row():
    gate, order = FairLock(), list[str]()
    assert gate.acquire(1)

    def enter(name: str) -> None:
        assert gate.acquire(SOON_S, for_request=name.startswith("request"))
        order.append(name)
        gate.release()

    threads = []
    for number, name in enumerate(["run 1", "run 2", "request 1", "run 3", "request 2", "request 3"]):
        threads.append(Thread(lambda name=name: enter(name)))  # type: ignore[misc]
        wait_until(lambda number=number: queued(gate) == number + 1)  # type: ignore[misc]
    gate.release()
    for thread in threads:
        thread.end()

    assert order == ["request 1", "run 1", "request 2", "run 2", "request 3", "run 3"]


def test_a_request_that_gave_up_is_not_let_in_later():
    gate = FairLock()
    assert gate.acquire(1)

    assert not gate.acquire(0.01, for_request=True)
    gate.release()

    assert gate.acquire(0.01)


async def test_writes_are_those_of_a_request_until_its_answer_begins_also_in_its_threads_and_what_it_starts():
    goes_on, seen = asyncio.Event(), list[bool]()

    async def started() -> None:
        seen.append(is_for_request())
        await goes_on.wait()
        seen.append(is_for_request())

    with ExitStack() as waiting:
        waiting.enter_context(RequestPriority().request())
        seen.append(await asyncio.to_thread(is_for_request))
        left = asyncio.create_task(started())
        await asyncio.sleep(0)
        await asyncio.create_task(closed(waiting))
        seen.append(is_for_request())
    goes_on.set()
    await left

    assert seen == [True, True, False, False]
    assert await asyncio.create_task(elsewhere()) is False


async def closed(waiting: ExitStack) -> None:
    """The answer begins, in another task."""
    waiting.close()


async def elsewhere() -> bool:
    """What a task without a request says."""
    return is_for_request()


@pytest.mark.django_db(transaction=True)
def test_a_request_writes_before_the_runs_that_wait():
    order = list[str]()
    gate: FairLock = connection.gate  # type: ignore[attr-defined]

    def write(name: str) -> None:
        with transaction.atomic():
            Group.objects.create(name=name)
            order.append(name)

    def of_a_request() -> None:
        with RequestPriority().request():
            write("request")

    with transaction.atomic():
        Group.objects.create(name="first")
        threads = []
        for number in range(5):
            threads.append(Thread(lambda number=number: write(f"run {number}")))  # type: ignore[misc]
            wait_until(lambda number=number: queued(gate) == number + 1)  # type: ignore[misc]
        threads.append(Thread(of_a_request))
        wait_until(lambda: queued(gate) == 6)
    for thread in threads:
        thread.end()

    assert order == ["request", "run 0", "run 1", "run 2", "run 3", "run 4"]


def test_one_that_comes_back_at_once_does_not_go_before_those_who_wait():
    gate, order = FairLock(), list[str]()
    assert gate.acquire(1)

    def enter() -> None:
        assert gate.acquire(SOON_S)
        order.append("who waited")
        gate.release()

    waiting = Thread(enter)
    wait_until(lambda: queued(gate) == 1)
    gate.release()
    assert gate.acquire(SOON_S)
    order.append("who came back")
    gate.release()
    waiting.end()

    assert order == ["who waited", "who came back"]


def test_one_that_gave_up_is_not_let_in_later():
    gate = FairLock()
    assert gate.acquire(1)

    assert not gate.acquire(0.01)
    gate.release()

    assert gate.acquire(0.01)


@contextmanager
def writing_without_a_pause() -> Iterator[list[bool]]:
    """Continuous transactions in another thread; for each with a waiter, whether it still waits afterwards."""
    batches, stop = [0], threading.Event()
    still_waits: list[bool] = []
    assert isinstance(connection, DatabaseWrapper) or hasattr(connection, "gate")
    gate: FairLock = connection.gate

    def write() -> None:
        while not stop.is_set():
            with transaction.atomic():
                Group.objects.bulk_create([Group(name=f"{batches[0]}-{row}") for row in range(20)])
                waiting = list(gate._waiting)
            if waiting:
                still_waits.append(waiting[0] in gate._waiting)
            batches[0] += 1

    writer = Thread(write)
    wait_until(lambda: batches[0] > 3)
    yield still_waits
    stop.set()
    writer.end()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("in_a_transaction", [True, False])
def test_a_short_write_beside_a_busy_writer_waits_for_the_batch_at_hand_only(in_a_transaction: bool):
    with writing_without_a_pause() as still_waits:
        for number in range(30):
            if in_a_transaction:
                with transaction.atomic():
                    Group.objects.create(name=f"short {number}")
            else:
                Group.objects.filter(name="nobody").update(name="somebody")

    assert still_waits, "the writes never met"
    assert not any(still_waits)


@pytest.mark.django_db(transaction=True)
def test_reading_waits_for_nobody():
    with transaction.atomic():
        Group.objects.create(name="not committed")

        reader = Thread(lambda: [Group.objects.count()] == [0] or pytest.fail("reads what is not committed"))
        reader.end()


@pytest.mark.django_db(transaction=True)
def test_a_transaction_that_ends_badly_leaves_the_gate():
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("INSERT INTO no_such_table VALUES (1)")
    with transaction.atomic():
        Group.objects.create(name="cut off")
        connection.close()

    Thread(lambda: bool(Group.objects.create(name="next"))).end()

    assert gate_is_free()


@pytest.mark.django_db(transaction=True)
def test_a_write_that_fails_outside_a_transaction_leaves_the_gate():
    with pytest.raises(DatabaseError), connection.cursor() as cursor:
        cursor.execute("INSERT INTO no_such_table VALUES (1)")

    assert gate_is_free()


@pytest.mark.django_db(transaction=True)
def test_a_write_that_waits_longer_than_the_timeout_says_that_the_database_is_locked():
    def write() -> None:
        options: dict[str, Any] = connection.settings_dict["OPTIONS"]
        connection.settings_dict = connection.settings_dict | {"OPTIONS": options | {"timeout": 0.05}}
        with pytest.raises(OperationalError, match="database is locked"):
            Group.objects.create(name="too late")

    with transaction.atomic():
        Group.objects.create(name="first")
        Thread(write).end()

    assert gate_is_free()


def gate_is_free() -> bool:
    """True if the gate can be acquired."""
    assert isinstance(connection, DatabaseWrapper) or hasattr(connection, "gate")
    gate: FairLock = connection.gate
    if not gate.acquire(0.05):
        return False
    gate.release()
    return True
