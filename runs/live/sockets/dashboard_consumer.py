"""The sockets that show no run: the dashboard's, and the fallback for unknown addresses."""

import asyncio

from channels.consumer import AsyncConsumer

from runs.asgi_types import Receive, Scope, Send
from runs.live.sockets import close_codes
from runs.live.sockets.base_consumer import SocketConsumer


class DashboardConsumer(SocketConsumer):
    """Sends the rows and counts of a dashboard, and each change. It has no sequences to acknowledge."""

    _is_behind = False

    async def enter(self) -> None:
        self.hub.board.add(self)

    async def leave(self) -> None:
        if self.user is not None:
            self.hub.board.remove(self)

    async def show(self, text: str) -> None:
        """Send a frame of rows or counts. A slow reader gets nothing now, and the whole state later."""
        if not self.buffer.has_room:
            self._fall_behind()
        else:
            await self.send_text(text)

    def resync(self, sequence: int) -> None:  # noqa: ARG002  there are no sequences here
        """Send the whole state again."""
        if not self._is_behind:
            self.hub.board.add(self)

    def _fall_behind(self) -> None:
        self.hub.board.remove(self)
        if not self._is_behind:
            self._is_behind = True
            self.hub.spawn(self._come_back())

    async def _come_back(self) -> None:
        try:
            async with asyncio.timeout(self.hub.timings.behind_limit_s):
                await self.buffer.wait_for_room()
        except TimeoutError:
            await self.close(close_codes.TOO_SLOW)
            return
        self._is_behind = False
        if not self.is_closed:
            self.hub.board.add(self)


class NoSuchSocket(AsyncConsumer):  # type: ignore[misc]
    """The fallback for every other address."""

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Accept, so that the close code arrives, and close."""
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": close_codes.NO_SUCH_RUN})
