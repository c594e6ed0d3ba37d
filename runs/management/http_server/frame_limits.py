"""Limits for WebSocket frames, checked before a message is read: few and short ones."""

from typing import Any, Final

from daphne.ws_protocol import WebSocketProtocol
from typing_extensions import override

from runs.live.sockets.message_rate import MessageRate
from runs.management.http_server.frame_queue import FrameQueue

FRAMES_PER_S, FRAMES_AT_ONCE = 100.0, 400.0
"""Frames of all kinds, pings and message fragments included; the site's own limit of messages is lower."""

BYTES_PER_S, BYTES_AT_ONCE = 8_192.0, 32_768.0
"""Bytes of the handshake and of frames, counted before any of them is parsed or kept."""

LARGEST_MESSAGE: Final = 4096
"""Bytes; messages of browsers have about 20."""

LARGEST_SENT: Final = 64 * 1024 * 1024
"""Bytes of a message to a browser. Autobahn has one limit for both directions, and a single step may be long."""


_queue = FrameQueue()


class LimitedSocket(WebSocketProtocol):  # type: ignore[misc]  # daphne is not typed
    """A socket that is dropped when its browser sends too much. Autobahn would answer every ping and keep every
    fragment."""

    def __init__(self) -> None:
        super().__init__()
        self._frames = MessageRate(FRAMES_PER_S, FRAMES_AT_ONCE)
        self._bytes = MessageRate(BYTES_PER_S, BYTES_AT_ONCE)

    @override
    def dataReceived(self, data: bytes) -> None:
        """Called with whatever arrives. Frames are queued; the handshake is not."""
        if not self._bytes.take(len(data)):
            self.dropConnection(abort=True)
        elif self.state == self.STATE_CONNECTING:
            self.parse(data)
        else:
            _queue.add(self, data)

    def parse(self, data: bytes) -> None:
        """Parse the next bytes it has received. A failure ends the connection, as the reactor does when it calls."""
        try:
            super().dataReceived(data)
        except Exception:
            self.dropConnection(abort=True)
            raise

    @override
    def connectionLost(self, reason: Any) -> None:
        """Called when the connection is gone."""
        _queue.forget(self)
        super().connectionLost(reason)

    @override
    def onMessageFrameBegin(self, length: int) -> None:
        """Called at the start of each fragment of a message."""
        super().onMessageFrameBegin(length)
        if not self._frames.take() or self.message_data_total_length > LARGEST_MESSAGE:
            self.dropConnection(abort=True)

    @override
    def onPing(self, payload: bytes) -> None:
        """Called with each ping. Browsers send none by themselves."""
        if self._frames.take():
            super().onPing(payload)
        else:
            self.dropConnection(abort=True)

    @override
    def onPong(self, payload: bytes) -> None:
        """Called with each pong, requested or not."""
        if self._frames.take():
            super().onPong(payload)
        else:
            self.dropConnection(abort=True)
