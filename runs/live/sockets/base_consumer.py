"""Base of the sockets of pages: a signed-in user who may send `ack` and `resync`. It relays and writes nothing."""

from typing import Any
from uuid import UUID

from autobahn.exception import Disconnected
from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer
from django.db import DatabaseError, InterfaceError

from runs.asgi_types import Message, Receive, Scope, Send
from runs.live.feeds import frames
from runs.live.feeds.frames import BadFrame
from runs.live.sockets import close_codes
from runs.live.sockets.authentication import session_key_of
from runs.live.sockets.connections import NotAdmitted
from runs.live.sockets.hub import Hub, get_hub
from runs.live.sockets.message_rate import MessageRate
from runs.live.sockets.socket_language import language_of
from runs.live.sockets.write_buffer import WriteBuffer, write_buffer_of

FRAMES_PER_S, FRAMES_AT_ONCE = 50.0, 200.0
"""Frames a browser may send: live.js acknowledges once a second, and per half window while it catches up."""

RESYNCS_PER_S, RESYNCS_AT_ONCE = 0.5, 5.0
"""How often a browser may request everything again: a correct page does so at most once after a gap."""


class SocketConsumer(AsyncConsumer):  # type: ignore[misc]
    """A signed-in user's socket, without the channel and the database checks that Channels adds to every frame."""

    @property
    def steps_behind(self) -> int:
        """Steps sent to other viewers of its run but not to this one; 0 for a socket without a run."""
        return 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one socket until it closes."""
        # AsyncConsumer would open a layer channel per socket; the hub listens for all of them.
        self.scope = scope
        self.base_send = send
        self.hub: Hub = get_hub()
        self.user: Any = None
        self.user_id = 0
        self.sees_all = False
        self.session_key = session_key_of(scope) or ""
        self.language = language_of(scope)
        self.run_id: UUID | None = scope["url_route"]["kwargs"].get("run_id")
        self.is_closed = False
        self.buffer: WriteBuffer = write_buffer_of(scope)
        self._frames = MessageRate(FRAMES_PER_S, FRAMES_AT_ONCE)
        self._resyncs = MessageRate(RESYNCS_PER_S, RESYNCS_AT_ONCE)
        try:
            while True:
                await self.dispatch(await receive())
        except StopConsumer:
            pass
        finally:
            self.is_closed = True
            self.hub.sockets.remove(self)
            await self.leave()

    async def dispatch(self, message: Message) -> None:
        """Call the message's handler; a database error closes the socket with RESTARTING, so that the page
        reconnects."""
        # AsyncConsumer would close old database connections in a thread, for every frame; see `db_reader.py`.
        handler = getattr(self, message["type"].replace(".", "_"))
        try:
            await handler(message)
        except (DatabaseError, InterfaceError):
            await self.close(close_codes.RESTARTING)

    async def websocket_connect(self, _message: Message) -> None:
        """Accept before any close: a close code sent earlier is lost."""
        await self.send({"type": "websocket.accept"})
        await self.hub.sockets.arrive(self)
        user, sees_all = await self.hub.seen_by(self.session_key)
        if user is None:
            await self.close(close_codes.SIGNED_OUT)
            return
        self.user, self.user_id, self.sees_all = user, user.pk, sees_all
        try:
            self.hub.sockets.add(self)
        except NotAdmitted as refusal:
            await self.close(refusal.code)
            return
        await self.enter()

    async def websocket_receive(self, message: Message) -> None:
        """Handle one frame of the browser; close on an invalid one."""
        if self.is_closed:
            return
        try:
            word, sequence = frames.read_client_frame(message.get("text"))
            if not self._frames.take() or (word == "resync" and not self._resyncs.take()):
                await self.close(close_codes.TOO_FAST)
            elif word == "ping":
                await self.ping()
            elif word == "ack":
                self.acknowledge(sequence)
            else:
                self.resync(sequence)
        except BadFrame:
            await self.close(close_codes.BAD_FRAME)

    async def websocket_disconnect(self, _message: Message) -> None:
        """End the consumer: the browser has closed the socket."""
        raise StopConsumer

    async def enter(self) -> None:
        """Show the initial content to an admitted viewer."""

    async def leave(self) -> None:
        """Undo `enter`."""

    def acknowledge(self, sequence: int) -> None:  # noqa: ARG002  only a run has sequences
        """Note that the browser has everything up to `sequence`. Raises `BadFrame` if it cannot have."""
        raise BadFrame

    def resync(self, sequence: int) -> None:
        """Send everything after `sequence` again. Raises `BadFrame` for a sequence that was never sent."""

    async def send(self, message: Message) -> None:
        """Send to the server. If the connection is gone, mark the socket closed."""
        try:
            await self.base_send(message)
        except (Disconnected, OSError):
            self.is_closed = True

    async def send_text(self, text: str) -> None:
        """Send a text frame, unless the socket is closed."""
        if not self.is_closed:
            await self.send({"type": "websocket.send", "text": text})

    async def ping(self) -> None:
        """Send a ping frame."""
        await self.send_text(frames.ping_frame(language=self.language))

    async def close(self, code: int) -> None:
        """Close the socket; a second call does nothing."""
        if not self.is_closed:
            self.is_closed = True
            await self.send({"type": "websocket.close", "code": code})
