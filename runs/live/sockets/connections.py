"""The open sockets of this process: limits per user, access checks, pings, and closing them at the end."""

import asyncio
import logging
from collections import Counter
from typing import Any, Protocol
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, InterfaceError

from runs.live.feeds.db_reader import DatabaseReader
from runs.live.feeds.run_feed import Spawn
from runs.live.live_timings import DEFAULT_TIMINGS, LiveTimings
from runs.live.sockets import close_codes
from runs.live.sockets.authentication import run_seen_by, signed_in_user
from runs.models.permissions import may_see_all
from runs.writer_status import STANDSTILL

logger = logging.getLogger(__name__)


class NotAdmitted(Exception):
    """The socket was refused; `code` is the close code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"A socket was refused with {code}.")
        self.code = code


class ArrivingSocket(Protocol):
    """A socket that was accepted."""

    async def close(self, code: int) -> None:
        """Close it; a second call does nothing."""


class Socket(ArrivingSocket, Protocol):
    """An open socket of a signed-in user."""

    session_key: str
    user_id: int
    sees_all: bool
    run_id: UUID | None
    """None for a dashboard."""

    @property
    def steps_behind(self) -> int:
        """Steps sent to other viewers of its run but not to this one; 0 for a dashboard."""

    async def ping(self) -> None:
        """Send a ping."""


class Sockets:
    """All open sockets of one process."""

    def __init__(self, reader: DatabaseReader, spawn: Spawn, timings: LiveTimings = DEFAULT_TIMINGS) -> None:
        self._reader = reader
        self._spawn = spawn
        self._loop = asyncio.get_running_loop()
        self._arriving: set[ArrivingSocket] = set()
        self._open: set[Socket] = set()
        self._per_user: Counter[Any] = Counter()
        self._all_gone = asyncio.Event()
        self._is_closing = False
        self._timings = timings
        spawn(self._ping())
        spawn(self._check_access())
        spawn(self._tell_of_standstills())

    def __len__(self) -> int:
        return len(self._open)

    def all(self) -> list[Socket]:
        """The open sockets. Thread-safe."""
        return list(self._open)

    async def arrive(self, socket: ArrivingSocket) -> None:
        """Note that a socket was accepted whose user is not known yet: `close_all` closes it too."""
        self._arriving.add(socket)
        if self._is_closing:
            await socket.close(close_codes.RESTARTING)

    def add(self, socket: Socket) -> None:
        """Register a socket whose user is known. Raises `NotAdmitted` if its user has too many, or the server is
        stopping."""
        if self._is_closing:
            raise NotAdmitted(close_codes.RESTARTING)
        for key, most in _limits_of(socket):
            if self._per_user[key] >= most:
                raise NotAdmitted(close_codes.TOO_MANY)
        self._arriving.discard(socket)
        self._open.add(socket)
        self._per_user.update(key for key, _most in _limits_of(socket))

    def remove(self, socket: Socket) -> None:
        """Unregister a socket; a second call does nothing."""
        self._arriving.discard(socket)
        if socket in self._open:
            self._open.discard(socket)
            for key, _most in _limits_of(socket):
                self._per_user[key] -= 1
                if not self._per_user[key]:
                    del self._per_user[key]
        if not self._arriving and not self._open:
            self._all_gone.set()

    def sign_out(self, session_key: str) -> None:
        """Close the sockets of a session that has just ended. Thread-safe."""
        self._loop.call_soon_threadsafe(self._close_session, session_key)

    def come_back(self, session_key: str) -> None:
        """Make the sockets of a session whose key has changed reconnect. Thread-safe."""
        self._loop.call_soon_threadsafe(self._close_session, session_key, close_codes.RESTARTING)

    async def close_all(self, code: int) -> None:
        """Close every socket and admit no new one. Returns when all are gone, or after `close_limit_s`."""
        self._is_closing = True
        self._all_gone.clear()
        for socket in self._arriving | self._open:
            await socket.close(code)
        if self._arriving or self._open:
            try:
                async with asyncio.timeout(self._timings.close_limit_s):
                    await self._all_gone.wait()
            except TimeoutError:
                left = len(self._arriving) + len(self._open)
                logger.info("%d sockets did not confirm that they were closed.", left)

    async def send_away(self) -> None:
        """Close every socket with RESTARTING, so that pages say that the database cannot be read."""
        for socket in list(self._open):
            await socket.close(close_codes.RESTARTING)

    def _close_session(self, session_key: str, code: int = close_codes.SIGNED_OUT) -> None:
        for socket in [socket for socket in self._open if socket.session_key == session_key]:
            self._spawn(socket.close(code))

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(self._timings.ping_every_s)
            await self._ping_all()

    async def _ping_all(self) -> None:
        # Not in the endless loops: their variables would keep the last socket, and all that it holds, while they sleep.
        for socket in list(self._open):
            await socket.ping()

    async def _check_access(self) -> None:
        while True:
            await asyncio.sleep(self._timings.access_check_every_s)
            await self.close_those_without_access()

    async def _tell_of_standstills(self) -> None:
        """Ping at once when writes have stopped, or work again."""
        told = None
        while True:
            await asyncio.sleep(self._timings.standstill_look_every_s)
            if (held := STANDSTILL.now()) != told:
                told = held
                await self._ping_all()

    async def close_those_without_access(self) -> None:
        """Close sockets whose session has ended, or whose user may no longer see the run."""
        asked = {_access_of(socket) for socket in self._open}
        try:
            refused = await self._reader.run(_refused, asked)
        except (DatabaseError, InterfaceError) as error:
            logger.warning("Could not check who may still watch: %s", error)
            return
        for socket in list(self._open):
            code = refused.get(_access_of(socket))
            if code is not None:
                await socket.close(code)


def _limits_of(socket: Socket) -> list[tuple[Any, int]]:
    return [
        (socket.user_id, settings.AGENTSITE_MAX_SOCKETS_PER_USER),
        ((socket.user_id, socket.run_id), settings.AGENTSITE_MAX_SOCKETS_PER_USER_RUN),
    ]


Access = tuple[str, bool, UUID | None]
"""The access that a socket has: session key, whether its user sees everybody's runs, and its run."""


def _access_of(socket: Socket) -> Access:
    return socket.session_key, socket.sees_all, socket.run_id


def _refused(asked: set[Access]) -> dict[Access, int]:
    """The claims that no longer hold, with the close code for each."""
    users = {key: signed_in_user(key) for key in {key for key, _sees_all, _run_id in asked}}
    refused: dict[Access, int] = {}
    for claim in asked:
        session_key, saw_all, run_id = claim
        user = users[session_key]
        if user is None:
            refused[claim] = close_codes.SIGNED_OUT
        elif run_id is not None and run_seen_by(user, run_id) is None:
            refused[claim] = close_codes.NO_SUCH_RUN
        elif may_see_all(user) != saw_all:
            # The user may still watch, but other rows: a reconnect reads the new permissions.
            refused[claim] = close_codes.RESTARTING
    return refused
