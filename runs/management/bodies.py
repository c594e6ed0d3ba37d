"""How much of a request is taken: bodies over the site's limit are refused before they are kept anywhere."""

from typing import Any, Final

from daphne.http_protocol import WebRequest
from django.conf import settings
from typing_extensions import override

from runs.api.errors import body_too_large

LINGER_S: Final = 5.0
"""How long a refused body is read and dropped: closed at once, the connection is reset, and with it goes the answer to
whoever reads only after sending."""


class LimitedRequest(WebRequest):  # type: ignore[misc]  # daphne is not typed
    """A request with at most `DATA_UPLOAD_MAX_MEMORY_SIZE` bytes of body; longer ones are answered 413.

    Django looks at the same limit, but only when Daphne has queued the whole body, and never at a chunked one.
    """

    _is_refused = False

    @override
    def gotLength(self, length: int | None) -> None:
        """Called when the headers are there; None is a body in chunks."""
        super().gotLength(length)
        if length is not None and length > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            self._refuse()

    @override
    def handleContentChunk(self, data: bytes) -> None:
        """Called with each piece of the body."""
        if self._is_refused:
            return
        if self.content.tell() + len(data) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            self._refuse()
        else:
            super().handleContentChunk(data)

    @override
    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """Called at the end of the body."""
        if not self._is_refused:
            super().requestReceived(command, path, version)

    def _refuse(self) -> None:
        self._is_refused = True
        # Twisted would say "100 Continue" after the answer.
        self.requestHeaders.removeHeader(b"expect")
        # Twisted tells a request its own path at the end of the body only.
        content_type, body = refusal(self.channel._path)  # noqa: SLF001 (as the line above says)
        headers = [(b"Content-Type", content_type), (b"Content-Length", b"%d" % len(body)), (b"Connection", b"close")]
        self.channel.writeHeaders(b"HTTP/1.1", b"413", b"Content Too Large", headers)
        self.channel.write(body)
        transport = self.channel.transport
        transport.loseWriteConnection()
        self.channel.callLater(LINGER_S, transport.abortConnection)


def refusal(path: bytes) -> tuple[bytes, bytes]:
    """Content type and body of a 413: below /api/ in the API's shape, elsewhere as a line of text."""
    error = body_too_large()
    if not path.startswith(b"/api/"):
        return b"text/plain; charset=utf-8", f"{error}\n".encode()
    response = error.response()
    return response["Content-Type"].encode(), response.content


def limit_bodies(factory: Any) -> None:
    """Have the connections of Daphne's factory make such requests. Daphne names its own class where it makes one."""
    build = factory.buildProtocol

    def build_limited(address: Any) -> Any:
        protocol = build(address)
        protocol.requestFactory = LimitedRequest
        return protocol

    factory.buildProtocol = build_limited
