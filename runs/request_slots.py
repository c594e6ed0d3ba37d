"""Request slots: how many requests run at once, a few of each person, so that none waits behind another's hundred.

Django runs every request in a thread of its own, and all threads share one interpreter. A hundred large pages requested
at once would slow everybody's pages down a hundred times, and all of them would be in memory together.
"""

import asyncio
import threading
from collections import OrderedDict, deque
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Self
from weakref import WeakKeyDictionary

from runs.asgi_types import Scope
from runs.cookies import cookie_in


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotLimits:
    """Limits of running and waiting requests."""

    at_once: int
    of_one: int
    """Slots of one person, or of one address without a signed-in user. Beside others, whoever has a crowd of waiting
    requests (`CROWD`) has one."""
    most_waiting: int
    most_waiting_of_one: int
    longest_wait_s: float | None
    """None for no limit."""
    patience_s: float
    """A longer request waits for something else than the processor (a model is being tested): it gives its
    slot back."""


PAGES: Final = SlotLimits(
    at_once=6, of_one=2, most_waiting=10_000, most_waiting_of_one=200, longest_wait_s=None, patience_s=2.0
)
SIGN_INS: Final = SlotLimits(
    at_once=4, of_one=4, most_waiting=16, most_waiting_of_one=8, longest_wait_s=10.0, patience_s=10.0
)
"""Each hashes a password (`runs.hash_pool`), and anybody may send one."""
CATCH_UPS: Final = SlotLimits(
    at_once=2, of_one=1, most_waiting=10_000, most_waiting_of_one=200, longest_wait_s=None, patience_s=30.0
)
"""Streams that catch up with long runs, which uses the processor."""

CROWD: Final = 4
"""More waiting requests of one person than a browser's page sends at once."""
KNOWN: Final = 10_000
"""Maximum of remembered sessions and tokens."""


class TooManyWaiting(Exception):
    """Too many requests wait already, or this one has waited too long."""


class TooManyOfOne(TooManyWaiting):
    """Too many requests of the same person wait already."""


class RequestSlots:
    """The slots of one event loop. Waiting persons take turns, however many requests each has."""

    def __init__(self, limits: SlotLimits) -> None:
        self.limits = limits
        self._free = limits.at_once
        self._taken: dict[str, int] = {}
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        self._count = 0
        """The number of waiting requests."""

    async def enter(self, who: str) -> "Slot":
        """Wait for a slot and return it. Raises `TooManyWaiting`."""
        # Invariant: while a slot is free, no waiting person may have it.
        if self._may_have_one(who):
            self._take(who)
        else:
            await self._wait(who)
        return Slot(self, who)

    def release(self, who: str) -> None:
        """Free a slot of a person."""
        self._free += 1
        self._taken[who] -= 1
        if not self._taken[who]:
            del self._taken[who]
        if who in self._waiting:
            self._waiting.move_to_end(who)
        self._call_next()

    async def _wait(self, who: str) -> None:
        limits = self.limits
        if self._count >= limits.most_waiting:
            raise TooManyWaiting
        if len(self._waiting.get(who, ())) >= limits.most_waiting_of_one:
            raise TooManyOfOne
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(who, deque()).append(turn)
        self._count += 1
        try:
            async with asyncio.timeout(limits.longest_wait_s):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                self.release(who)  # It got the slot at the moment it gave up.
            else:
                self._remove(who, turn)
            if isinstance(error, TimeoutError):
                raise TooManyWaiting from error
            raise

    def _call_next(self) -> None:
        while self._free:
            # At most as many persons as there are slots can be at their maximum and come first.
            who = next((each for each in self._waiting if self._may_have_one(each)), None)
            if who is None:
                return
            turn = self._waiting[who][0]
            self._remove(who, turn)
            if turn.done():
                continue  # It gave up at this moment.
            self._take(who)
            turn.set_result(None)
            if who in self._waiting:
                # A served person goes to the end of the queue.
                self._waiting.move_to_end(who)

    def _may_have_one(self, who: str) -> bool:
        taken = self._taken.get(who, 0)
        is_crowd = len(self._waiting.get(who, ())) > CROWD and self._taken.keys() != {who}
        return self._free > 0 and taken < (1 if is_crowd else self.limits.of_one)

    def _take(self, who: str) -> None:
        self._free -= 1
        self._taken[who] = self._taken.get(who, 0) + 1

    def _remove(self, who: str, turn: asyncio.Future[None]) -> None:
        theirs = self._waiting.get(who)
        if theirs is None or turn not in theirs:
            return
        theirs.remove(turn)
        self._count -= 1
        if not theirs:
            del self._waiting[who]


_here: "WeakKeyDictionary[asyncio.AbstractEventLoop, dict[SlotLimits, RequestSlots]]" = WeakKeyDictionary()


def slots_here(limits: SlotLimits) -> RequestSlots:
    """The slots of the running loop with these limits; the same object each time."""
    slots = _here.setdefault(asyncio.get_running_loop(), {})
    if limits not in slots:
        slots[limits] = RequestSlots(limits)
    return slots[limits]


class Slot:
    """One slot in use; given back at the end of a `with`, by `give_back`, and by itself after `patience_s`."""

    def __init__(self, slots: RequestSlots, who: str) -> None:
        self._slots: RequestSlots | None = slots
        self._who = who
        self._timer = asyncio.get_running_loop().call_later(slots.limits.patience_s, self.give_back)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.give_back()

    def give_back(self) -> None:
        """Free the slot; a second call does nothing."""
        self._timer.cancel()
        slots, self._slots = self._slots, None
        if slots is not None:
            slots.release(self._who)


_persons: OrderedDict[str, int] = OrderedDict()
"""The owners of validated credentials, by the hash of the credential."""
_persons_lock = threading.Lock()
"""Needed because every request runs in a thread of its own."""


def note_person(credential: str, user_id: int) -> None:
    """Remember the owner of a session key or token, so that all requests of a person share their slots."""
    name = _hashed(credential)
    with _persons_lock:
        _persons[name] = user_id
        _persons.move_to_end(name)
        while len(_persons) > KNOWN:
            _persons.popitem(last=False)


def requester_of(scope: Scope, session_cookie: str, place: str) -> str:
    """The sender of a request, without the database: the owner of a credential that was validated before, or the
    network it came from. An unknown credential counts for nothing, because anybody can invent a thousand."""
    headers = dict(scope.get("headers", ()))
    credential = _token_in(headers) or _session_in(headers, session_cookie)
    with _persons_lock:
        user_id = _persons.get(_hashed(credential)) if credential else None
    return f"place {place}" if user_id is None else f"user {user_id}"


def _token_in(headers: dict[bytes, bytes]) -> str:
    return headers.get(b"authorization", b"").decode("latin1").partition(" ")[2].strip()


def _session_in(headers: dict[bytes, bytes], session_cookie: str) -> str:
    return cookie_in(headers.get(b"cookie", b"").decode("latin1"), session_cookie)


def _hashed(credential: str) -> str:
    return sha256(credential.encode(errors="surrogatepass")).hexdigest()
