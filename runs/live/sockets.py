"""The open sockets of this process: how many, still allowed, alive, and closed together at the end."""

import asyncio
import logging
from collections import Counter
from typing import Any, Protocol
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, InterfaceError

from runs.live import codes
from runs.live.access import run_seen_by, signed_in_user
from runs.live.feed import Spawn
from runs.live.reader import Reader

logger = logging.getLogger(__name__)

BEAT_EVERY_S = 15.0
"""A ping to every socket, and a look whether it may stay open. live.js gives up after 45 s of silence."""

CLOSING_S = 3.0


class NotAdmitted(Exception):
    """This socket may not come in; `code` says why."""

    def __init__(self, code: int) -> None:
        super().__init__(f"A socket was refused with {code}.")
        self.code = code


class Socket(Protocol):
    """An open socket that somebody signed in holds."""

    session_key: str
    user_id: int
    is_staff: bool
    run_id: UUID | None
    """None for a dashboard."""

    async def ping(self) -> None:
        """Send a sign of life."""

    async def close(self, code: int) -> None:
        """Close it; closing twice does nothing."""


class Sockets:
    """All sockets of one process."""

    def __init__(self, reader: Reader, spawn: Spawn) -> None:
        self._reader = reader
        self._spawn = spawn
        self._loop = asyncio.get_running_loop()
        self._open: set[Socket] = set()
        self._per_user: Counter[Any] = Counter()
        self._all_gone = asyncio.Event()
        self._is_closing = False
        self.close_limit_s = CLOSING_S
        spawn(self._beat())

    def __len__(self) -> int:
        return len(self._open)

    def all(self) -> list[Socket]:
        """Those that are open now. May be called from any thread."""
        return list(self._open)

    def add(self, socket: Socket) -> None:
        """Count a socket in. Raises `NotAdmitted` if its user has too many, or the server is leaving."""
        if self._is_closing:
            raise NotAdmitted(codes.RESTARTING)
        for key, most in _limits_of(socket):
            if self._per_user[key] >= most:
                raise NotAdmitted(codes.TOO_MANY)
        self._open.add(socket)
        self._per_user.update(key for key, _most in _limits_of(socket))

    def remove(self, socket: Socket) -> None:
        """Count a socket out; twice does nothing."""
        if socket not in self._open:
            return
        self._open.discard(socket)
        for key, _most in _limits_of(socket):
            self._per_user[key] -= 1
            if not self._per_user[key]:
                del self._per_user[key]
        if not self._open:
            self._all_gone.set()

    def sign_out(self, session_key: str) -> None:
        """Close the sockets of a session that has just ended. May be called from any thread."""
        self._loop.call_soon_threadsafe(self._close_session, session_key)

    async def close_all(self, code: int) -> None:
        """Close every socket and let no new one in. Returns when all have gone, or after `CLOSING_S`."""
        self._is_closing = True
        self._all_gone.clear()
        for socket in list(self._open):
            await socket.close(code)
        if self._open:
            try:
                async with asyncio.timeout(self.close_limit_s):
                    await self._all_gone.wait()
            except TimeoutError:
                logger.info("%d sockets did not confirm that they were closed.", len(self._open))

    async def send_away(self) -> None:
        """Tell every socket to come back in a moment: what it shows cannot be read, and the page should say so."""
        for socket in list(self._open):
            await socket.close(codes.RESTARTING)

    def _close_session(self, session_key: str) -> None:
        for socket in [socket for socket in self._open if socket.session_key == session_key]:
            self._spawn(socket.close(codes.SIGNED_OUT))

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_EVERY_S)
            for socket in list(self._open):
                await socket.ping()
            await self.close_those_without_access()

    async def close_those_without_access(self) -> None:
        """Close every socket whose session has ended or whose run its user may no longer see."""
        asked = {_claim_of(socket) for socket in self._open}
        try:
            refused = await self._reader.run(_refused, asked)
        except (DatabaseError, InterfaceError) as error:
            logger.warning("Could not check who may still watch: %s", error)
            return
        for socket in list(self._open):
            code = refused.get(_claim_of(socket))
            if code is not None:
                await socket.close(code)


def _limits_of(socket: Socket) -> list[tuple[Any, int]]:
    return [
        (socket.user_id, settings.AGENTSITE_MAX_SOCKETS_PER_USER),
        ((socket.user_id, socket.run_id), settings.AGENTSITE_MAX_SOCKETS_PER_USER_RUN),
    ]


Claim = tuple[str, bool, UUID | None]
"""What a socket rests on: its session, whether its user is staff, and the run it shows."""


def _claim_of(socket: Socket) -> Claim:
    return socket.session_key, socket.is_staff, socket.run_id


def _refused(asked: set[Claim]) -> dict[Claim, int]:
    """Which of these claims no longer hold, and the code that says why."""
    users = {key: signed_in_user(key) for key in {key for key, _is_staff, _run_id in asked}}
    refused: dict[Claim, int] = {}
    for claim in asked:
        session_key, was_staff, run_id = claim
        user = users[session_key]
        if user is None:
            refused[claim] = codes.SIGNED_OUT
        elif run_id is not None and run_seen_by(user, run_id) is None:
            refused[claim] = codes.NO_SUCH_RUN
        elif user.is_staff != was_staff:
            # It may still look, but at other rows: connecting again finds out which.
            refused[claim] = codes.RESTARTING
    return refused
