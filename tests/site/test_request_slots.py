"""A few requests per person are worked on at once; people take turns."""

import asyncio
import threading
import time
from collections import OrderedDict

import pytest

from runs import request_slots
from runs.live.sockets.authentication import session_key_of
from runs.request_slots import (
    CROWD,
    RequestSlots,
    SlotLimits,
    TooManyOfOne,
    TooManyWaiting,
    note_person,
    requester_of,
)


def slots_with(**changed: float | None) -> RequestSlots:
    values = {
        "at_once": 1,
        "of_one": 1,
        "most_waiting": 200,
        "most_waiting_of_one": 100,
        "longest_wait_s": None,
        "patience_s": 60,
    }
    return RequestSlots(SlotLimits(**{**values, **changed}))  # type: ignore[arg-type]


class Log(list[str]):
    """The names that got a slot, in order; `reaches` waits for a length."""

    def __init__(self) -> None:
        super().__init__()
        self._grew = asyncio.Event()

    def note(self, who: str) -> None:
        self.append(who)
        self._grew.set()

    async def reaches(self, length: int) -> None:
        async with asyncio.timeout(5):
            while len(self) < length:
                self._grew.clear()
                await self._grew.wait()


class Worker:
    """A thread that holds a slot until it is released."""

    def __init__(self, slots: RequestSlots, who: str, log: Log) -> None:
        self.done = asyncio.Event()
        self.task = asyncio.create_task(self._work(slots, who, log))

    async def _work(self, slots: RequestSlots, who: str, log: Log) -> None:
        with await slots.enter(who):
            log.note(who)
            await self.done.wait()

    async def end(self) -> None:
        self.done.set()
        await self.task
        await settled()


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_hundred_requests_of_one_person_do_not_keep_another_waiting():
    slots, log = slots_with(at_once=4, of_one=2), Log()
    greedy = [Worker(slots, "mallory", log) for _ in range(100)]
    await settled()
    assert log == ["mallory"] * 2

    other = Worker(slots, "eve", log)
    await settled()

    assert log == ["mallory", "mallory", "eve"]
    for worker in [other, *greedy]:
        await worker.end()


async def test_beside_others_a_person_with_a_crowd_of_requests_has_one_slot():
    slots, log = slots_with(at_once=4, of_one=2), Log()
    crowd = [Worker(slots, "mallory", log) for _ in range(CROWD + 4)]
    eve = [Worker(slots, "eve", log) for _ in range(2)]
    await settled()
    assert sorted(log) == ["eve", "eve", "mallory", "mallory"]

    await crowd[0].end()
    assert log.count("mallory") == 2, "the one that has ended, and the one that still runs"

    for worker in eve:
        await worker.end()
    assert log.count("mallory") == 3
    for worker in crowd:
        await worker.end()
    assert log.count("mallory") == len(crowd)


async def test_persons_who_wait_take_turns():
    slots, log = slots_with(), Log()
    workers = [Worker(slots, who, log) for who in ("a", "a", "a", "b", "c", "b")]
    await settled()

    while any(not worker.task.done() for worker in workers):
        at_work = next(worker for worker in workers if not worker.task.done())
        for worker in workers:
            worker.done.set()
        await at_work.task
        await settled()

    assert log == ["a", "b", "c", "a", "b", "a"]


async def test_whoever_gives_up_waiting_leaves_no_slot_behind():
    slots, log = slots_with(), Log()
    first, gone, last = (Worker(slots, "a", log) for _ in range(3))
    await settled()

    gone.task.cancel()
    await settled()
    await first.end()
    await last.end()

    assert log == ["a", "a"]


async def test_one_that_was_called_and_is_gone_gives_its_slot_on():
    slots, log = slots_with(), Log()
    first = await slots.enter("a")
    gone, last = (Worker(slots, "a", log) for _ in range(2))
    await settled()

    first.give_back()
    gone.task.cancel()
    await settled()

    assert log == ["a"]
    assert gone.task.cancelled()
    await last.end()
    (await slots.enter("a")).give_back()


async def test_one_that_gives_up_before_it_is_called_is_passed_over():
    slots, log = slots_with(), Log()
    first = await slots.enter("a")
    gone, last = (Worker(slots, who, log) for who in ("b", "c"))
    await settled()

    gone.task.cancel()
    first.give_back()
    await settled()

    assert log == ["c"]
    await last.end()
    (await slots.enter("a")).give_back()


async def test_whoever_gives_up_waiting_makes_room_for_another_who_waits():
    slots = slots_with(most_waiting=4, most_waiting_of_one=2)
    first = await slots.enter("first")
    for _ in range(3):
        gone = [asyncio.ensure_future(slots.enter(who)) for who in ("a", "a", "b", "b")]
        await settled()
        for each in gone:
            each.cancel()
        await settled()

    last = asyncio.ensure_future(slots.enter("a"))
    await settled()
    first.give_back()

    (await last).give_back()


async def test_whoever_waits_for_too_long_is_refused_and_makes_room():
    slots = slots_with(most_waiting=1, longest_wait_s=0.01)
    first = await slots.enter("a")

    for _ in range(3):
        with pytest.raises(TooManyWaiting) as refusal:
            await slots.enter("b")
        assert isinstance(refusal.value.__cause__, TimeoutError)

    first.give_back()
    (await slots.enter("b")).give_back()


async def test_a_full_queue_refuses_and_one_person_fills_only_their_part():
    slots = slots_with(at_once=2, of_one=2, most_waiting=6, most_waiting_of_one=4)
    taken = [await slots.enter("many"), await slots.enter("many")]
    waiting = [asyncio.ensure_future(slots.enter("many")) for _ in range(4)]
    await settled()

    with pytest.raises(TooManyOfOne):
        await slots.enter("many")
    waiting += [asyncio.ensure_future(slots.enter("other")) for _ in range(2)]
    await settled()
    with pytest.raises(TooManyWaiting) as refusal:
        await slots.enter("third")

    assert not isinstance(refusal.value, TooManyOfOne)
    for each in waiting:
        each.add_done_callback(lambda done: done.result().give_back())
    for slot in taken:
        slot.give_back()
        slot.give_back()
    assert len(await asyncio.gather(*waiting)) == 6


async def test_a_request_that_takes_long_makes_room_for_others():
    slots, log = slots_with(patience_s=0.01), Log()
    slow = Worker(slots, "a", log)
    await settled()

    other = Worker(slots, "a", log)
    await log.reaches(2)

    await other.end()
    await slow.end()


@pytest.mark.parametrize("piece", ["=", '"', '=";', "a=", '\\"', "; ", " "])
def test_cookies_of_any_shape_are_read_in_a_moment(piece):
    text = f'sessionid="{piece * (200_000 // len(piece))}"; sessionid=key'.encode()
    note_person("key", 7)
    began = time.process_time()

    assert requester_of({"headers": [(b"cookie", text)]}, "sessionid", "10.0.0.1") == "user 7"
    assert session_key_of({"headers": [(b"cookie", text)]}) == "key"

    assert time.process_time() - began < 1


def test_all_sessions_and_tokens_of_a_person_are_that_person():
    for credential in ("session-1", "session-2", "ags_token"):
        note_person(credential, 7)

    seen = {
        requester_of({"headers": [(name, value)]}, "sessionid", "10.0.0.1")
        for name, value in [
            (b"cookie", b"theme=dark; sessionid=session-1"),
            (b"cookie", b"sessionid=session-2"),
            (b"authorization", b"Bearer ags_token"),
        ]
    }

    assert seen == {"user 7"}
    assert requester_of({"headers": []}, "sessionid", "10.0.0.1") == "place 10.0.0.1"


def test_a_thousand_credentials_that_nobody_has_are_one_requester():
    made_up = [(b"cookie", f"sessionid=made-up-{number}".encode()) for number in range(1000)]

    assert {requester_of({"headers": [each]}, "sessionid", "10.0.0.1") for each in made_up} == {"place 10.0.0.1"}


def test_two_threads_that_note_persons_at_once_do_not_meet(monkeypatch):
    others: list[threading.Thread] = []

    class Persons(OrderedDict[str, int]):
        def __setitem__(self, name: str, user_id: int) -> None:
            super().__setitem__(name, user_id)
            if not others:
                others.append(threading.Thread(target=note_person, args=("other", 2)))
                others[0].start()
                others[0].join(0.3)  # It would make the entry just added leave.

    monkeypatch.setattr(request_slots, "_persons", Persons())
    monkeypatch.setattr(request_slots, "KNOWN", 1)

    note_person("one", 1)
    others[0].join()

    assert list(request_slots._persons.values()) == [2]
