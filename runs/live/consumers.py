"""The sockets that show no run: a dashboard's, and those of addresses that are none."""

from collections.abc import Callable
from typing import Any

from channels.consumer import AsyncConsumer

from runs.live import codes
from runs.live.socket_consumer import SocketConsumer


class DashboardConsumer(SocketConsumer):
    """Show the rows and counts of a dashboard, and each change of them."""

    async def enter(self) -> None:
        self.hub.board.add(self)

    async def leave(self) -> None:
        if self.user is not None:
            self.hub.board.remove(self)

    async def show(self, text: str) -> None:
        """Send a frame of rows or counts."""
        await self.send_text(text)

    def resync(self, sequence: int) -> None:  # noqa: ARG002  there are no sequences here
        """Send everything again."""
        self.hub.board.remove(self)
        self.hub.board.add(self)


class NoSuchSocket(AsyncConsumer):  # type: ignore[misc]
    """The answer at every other address."""

    async def __call__(self, _scope: dict[str, Any], receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        """Accept, so that the code arrives, and close."""
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": codes.NO_SUCH_RUN})
