"""A request of the site: a limit for its body, which is not parsed here, and the security headers of each response."""

from collections.abc import Sequence
from typing import Any, Final

from daphne.http_protocol import WebRequest
from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.template.loader import render_to_string
from django.utils import translation
from typing_extensions import override

from runs.api.errors import body_too_large
from runs.asgi_types import Message
from runs.languages import language_of_headers
from runs.management.http_server.plain_responses import TEXT, headers_of
from runs.security_headers import security_headers

RawHeaders = Sequence[tuple[bytes, Sequence[bytes]]]
LINGER_S: Final = 5.0
"""How long a refused body is read and dropped: an immediate close would reset the connection, and a client that reads
only after sending would not get the response."""


class SiteRequest(WebRequest):  # type: ignore[misc]  # daphne is not typed
    """A request with at most `DATA_UPLOAD_MAX_MEMORY_SIZE` bytes of body; longer ones are answered with 413.

    Django checks the same limit, but only after Daphne has queued the whole body, and never for a chunked one. The
    responses, Daphne's own too, have the security headers.
    """

    _is_refused = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # Twisted would parse forms on the event loop: a minute for one header of a part, before any check of rights.
        super().__init__(*args, **kwargs, parsePOSTFormSubmission=False)

    @override
    def gotLength(self, length: int | None) -> None:
        """Called after the headers; `length` None is a chunked body."""
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

    @override
    def handle_exception(self, exception: Exception) -> None:
        """Called when the application has failed. A response that has begun is aborted, so that its client notices."""
        if self._response_started:
            # Daphne would begin a second response, fail, and never check its connections again.
            self.channel.transport.abortConnection()
        else:
            super().handle_exception(exception)

    def _refuse(self) -> None:
        self._is_refused = True
        # Twisted would send "100 Continue" after the response.
        self.requestHeaders.removeHeader(b"expect")
        # Twisted gives a request its own path at the end of the body only.
        path: bytes = self.channel._path  # noqa: SLF001 (as the line above says)
        content_type, body = refusal(path, list(self.requestHeaders.getAllRawHeaders()))
        headers = headers_of(content_type, body, cors_headers(path, self.getHeader("Origin")))
        self.channel.writeHeaders(b"HTTP/1.1", b"413", b"Content Too Large", headers)
        self.channel.write(body)
        transport = self.channel.transport
        transport.loseWriteConnection()
        self.channel.callLater(LINGER_S, transport.abortConnection)

    @override
    def handle_reply(self, message: Message) -> None:
        """Called with each part of the response, Daphne's own refusals included."""
        if message.get("type") == "http.response.start":
            present = {bytes(name).lower() for name, _ in message.get("headers", ())}
            for name, value in security_headers():
                if name.lower().encode() not in present:
                    self.responseHeaders.addRawHeader(name.encode(), value.encode())
        super().handle_reply(message)


def refusal(path: bytes, headers: RawHeaders = ()) -> tuple[str, bytes]:
    """Content type and body of a 413: the API's error shape below /api/ and for triggers, elsewhere a page for a
    browser that shows the response, and for others a line of text."""
    error = body_too_large()
    if path.startswith((b"/api/", b"/hooks/")):
        response = error.response()
        return response["Content-Type"], response.content
    known = [(name.lower(), values[0]) for name, values in headers if values]
    if not any(name == b"accept" and b"text/html" in value for name, value in known):
        return TEXT, f"{error}\n".encode()
    with translation.override(language_of_headers(known)):
        most = filesizeformat(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
        return "text/html; charset=utf-8", render_to_string("413.html", {"most": most}).encode()


def cors_headers(path: bytes, origin: str | None) -> list[tuple[str, str]]:
    """Headers that let a page of an origin in `AGENTSITE_CORS_ORIGINS` read a refusal below /api/."""
    if not settings.AGENTSITE_CORS_ORIGINS or not path.startswith(b"/api/"):
        return []
    allowed = origin is not None and origin in settings.AGENTSITE_CORS_ORIGINS
    return [("Vary", "Origin"), *([("Access-Control-Allow-Origin", str(origin))] if allowed else [])]
