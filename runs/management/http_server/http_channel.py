"""Twisted's and Daphne's connections with deadlines, limits, and security headers in every response."""

from typing import Any, Final

from twisted.internet.protocol import Protocol
from twisted.web.http import HTTPChannel, _GenericHTTPChannelProtocol
from typing_extensions import override

from runs.database_outages import RETRY_AFTER_S
from runs.management.http_server.connection_limits import Connections
from runs.management.http_server.frame_limits import LimitedSocket
from runs.management.http_server.plain_responses import plain_answer
from runs.management.http_server.site_request import SiteRequest
from runs.security_headers import security_headers

# Twisted's own type hints contradict each other here.
_Channel: Any = HTTPChannel
_Protocol: Any = Protocol

HEADERS_S: Final = 20.0
"""For the headers of a request, from its first byte or the start of the connection."""
BODY_S: Final = 60.0
"""For its body, of 1 MiB at most, unless the server is told otherwise."""
IDLE_S: Final = 75
"""Keep-alive: longer than the 60 s for which proxies keep their connections."""
FAREWELL_S: Final = 2.0
"""For the client to read a refusal."""
MAX_HEADERS: Final = 100

TOO_SLOW = ("408 Request Timeout", "The request took too long to arrive.")
BROKEN = ("400 Bad Request", "The request could not be read.")
TOO_LONG = ("431 Request Header Fields Too Large", "The headers are too long.")
FULL = ("503 Service Unavailable", "Too many connections are open. Try again in a moment.")


class SiteChannel(_Channel):  # type: ignore[misc]
    """One HTTP connection. Each request has a deadline to arrive, however slowly its bytes come."""

    maxHeaders = MAX_HEADERS  # noqa: N815  Twisted's name
    connections: Connections
    body_limit_s: float = BODY_S
    _deadline: Any = None

    @override
    def connectionMade(self) -> None:
        super().connectionMade()
        self.connections.opened(self.transport, self.transport.getPeer().host)
        self._expect_within(HEADERS_S)

    @override
    def dataReceived(self, data: bytes) -> None:
        if self._deadline is None and not self._handlingRequest:
            self._expect_within(HEADERS_S)
        super().dataReceived(data)

    @override
    def allHeadersReceived(self) -> None:
        super().allHeadersReceived()
        if self.length != 0:
            self._expect_within(self.body_limit_s)

    @override
    def allContentReceived(self) -> None:
        self._expect_nothing()
        self.connections.works(self.transport)
        super().allContentReceived()

    @override
    def requestDone(self, request: Any) -> None:
        self.connections.waits(self.transport)
        super().requestDone(request)

    @override
    def lineLengthExceeded(self, line: bytes) -> None:
        self._refuse(*TOO_LONG)

    @override
    def connectionLost(self, reason: Any) -> None:
        self._expect_nothing()
        self.connections.closed(self.transport)
        super().connectionLost(reason)

    @override
    def _respondToBadRequestAndDisconnect(self) -> None:
        too_long = self._receivedHeaderSize > self.totalHeadersSize or self._receivedHeaderCount > self.maxHeaders
        self._refuse(*(TOO_LONG if too_long else BROKEN))

    def _expect_within(self, seconds: float) -> None:
        self._expect_nothing()
        self._deadline = self.callLater(seconds, self._refuse, *TOO_SLOW)

    def _expect_nothing(self) -> None:
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        self._deadline = None

    def _refuse(self, status: str, words: str) -> None:
        self._expect_nothing()
        self.transport.write(plain_answer(status, words))
        self.loseConnection()
        self._deadline = self.callLater(FAREWELL_S, self.transport.abortConnection)


class RequestRefused(_Protocol):  # type: ignore[misc]
    """A connection over the limit: answered with 503 and closed."""

    @override
    def connectionMade(self) -> None:
        self.transport.write(plain_answer(*FULL, more=[("Retry-After", str(RETRY_AFTER_S))]))
        self.transport.loseConnection()


class SiteWebSocket(LimitedSocket):
    """One WebSocket, counted until it is closed; its refusals have the security headers."""

    connections: Connections

    @override
    def connectionLost(self, reason: Any) -> None:
        self.connections.closed(self.transport)
        super().connectionLost(reason)

    @override
    def sendHttpErrorResponse(self, code: int, reason: str, responseHeaders: Any = None) -> None:
        headers = [*(responseHeaders or ()), ("Content-Length", "0"), ("Connection", "close"), *security_headers()]
        super().sendHttpErrorResponse(code, reason, headers)


def guard(http_factory: Any, ws_factory: Any, connections: Connections, *, body_limit_s: float) -> None:
    """Make Daphne's factories use our connection classes. Daphne has no setting for them. `body_limit_s`: how long the
    body of a request may take to arrive."""

    def channel() -> Any:
        made = SiteChannel()
        made.connections, made.body_limit_s = connections, body_limit_s
        return _GenericHTTPChannelProtocol(made)

    build = http_factory.buildProtocol

    def build_guarded(address: Any) -> Any:
        if not connections.admits(address.host):
            return RequestRefused()
        protocol = build(address)
        protocol.requestFactory = SiteRequest
        return protocol

    http_factory.protocol = channel
    http_factory.timeOut = IDLE_S
    http_factory.buildProtocol = build_guarded
    ws_factory.protocol = type("GuardedWebSocket", (SiteWebSocket,), {"connections": connections})
