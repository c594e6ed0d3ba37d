"""A socket of a page: somebody signed in, who may say two words. It relays; it does not think and does not write."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

from autobahn.exception import Disconnected
from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer
from django.db import DatabaseError, InterfaceError

from runs.live import codes, frames
from runs.live.access import session_key_of, signed_in_user
from runs.live.frames import BadFrame
from runs.live.hub import Hub, get_hub
from runs.live.sockets import NotAdmitted

FRAMES_PER_S, FRAMES_AT_ONCE = 50.0, 200.0
"""Frames a browser may send: live.js acknowledges once a second, and per half window while it catches up."""


class SocketConsumer(AsyncConsumer):  # type: ignore[misc]
    """A socket of somebody signed in, without the channel and the database hygiene Channels adds to every frame."""

    async def __call__(self, scope: dict[str, Any], receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        """Serve one socket to its end."""
        # AsyncConsumer would open a layer channel per socket; the hub listens for all of them.
        self.scope = scope
        self.base_send = send
        self.hub: Hub = get_hub()
        self.user: Any = None
        self.user_id = 0
        self.is_staff = False
        self.session_key = session_key_of(scope) or ""
        self.run_id: UUID | None = scope["url_route"]["kwargs"].get("run_id")
        self.is_closed = False
        self._allowance = FRAMES_AT_ONCE
        self._allowed_at = 0.0
        try:
            while True:
                await self.dispatch(await receive())
        except StopConsumer:
            pass
        finally:
            self.is_closed = True
            self.hub.sockets.remove(self)
            await self.leave()

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Hand the message to its handler, and a failing database to the browser as "come back in a moment"."""
        # AsyncConsumer would look for old database connections in a thread, for every frame; see reader.py.
        handler = getattr(self, message["type"].replace(".", "_"))
        try:
            await handler(message)
        except (DatabaseError, InterfaceError):
            await self.close(codes.RESTARTING)

    async def websocket_connect(self, _message: dict[str, Any]) -> None:
        """Accept, and only then find out whether to close again: a close code sent before is lost."""
        await self.send({"type": "websocket.accept"})
        user = await self.hub.reader.run(signed_in_user, self.session_key)
        if user is None:
            await self.close(codes.SIGNED_OUT)
            return
        self.user, self.user_id, self.is_staff = user, user.pk, user.is_staff
        try:
            self.hub.sockets.add(self)
        except NotAdmitted as refusal:
            await self.close(refusal.code)
            return
        await self.enter()

    async def websocket_receive(self, message: dict[str, Any]) -> None:
        """Understand one frame of the browser, or close."""
        if self.is_closed:
            return
        if not self._may_speak():
            await self.close(codes.TOO_MANY)
            return
        try:
            word, sequence = frames.read_client_frame(message.get("text"))
        except BadFrame:
            await self.close(codes.BAD_FRAME)
            return
        if word == "ack":
            self.acknowledge(sequence)
        else:
            self.resync(sequence)

    async def websocket_disconnect(self, _message: dict[str, Any]) -> None:
        """The browser has gone."""
        raise StopConsumer

    async def enter(self) -> None:
        """Show what there is to see to somebody who may come in."""

    async def leave(self) -> None:
        """Give back what `enter` took."""

    def acknowledge(self, sequence: int) -> None:
        """The browser has everything up to this sequence."""

    def resync(self, sequence: int) -> None:
        """The browser has everything up to this sequence, and missed what came after."""

    async def send(self, message: dict[str, Any]) -> None:
        """Send to the server. A socket that is going down no longer wants it."""
        try:
            await self.base_send(message)
        except (Disconnected, OSError):
            self.is_closed = True

    async def send_text(self, text: str) -> None:
        """Send a frame."""
        if not self.is_closed:
            await self.send({"type": "websocket.send", "text": text})

    async def ping(self) -> None:
        """Send a sign of life."""
        await self.send_text(frames.ping_frame())

    async def close(self, code: int) -> None:
        """Close the socket; closing twice does nothing."""
        if not self.is_closed:
            self.is_closed = True
            await self.send({"type": "websocket.close", "code": code})

    def _may_speak(self) -> bool:
        now = asyncio.get_running_loop().time()
        self._allowance = min(FRAMES_AT_ONCE, self._allowance + (now - self._allowed_at) * FRAMES_PER_S)
        self._allowed_at = now
        self._allowance -= 1
        return self._allowance >= 0
