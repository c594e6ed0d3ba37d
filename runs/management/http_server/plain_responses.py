"""Responses of the server itself, without Django."""

from collections.abc import Iterable

from runs.security_headers import security_headers

TEXT = "text/plain; charset=utf-8"


def headers_of(content_type: str, body: bytes, more: Iterable[tuple[str, str]] = ()) -> list[tuple[bytes, bytes]]:
    """Headers of a response after which the connection is closed."""
    headers = [
        ("Content-Type", content_type),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
        ("Connection", "close"),
        *security_headers(),
        *more,
    ]
    return [(name.encode(), value.encode()) for name, value in headers]


def plain_answer(status: str, words: str, more: Iterable[tuple[str, str]] = ()) -> bytes:
    """A complete response with one line of text: `plain_answer("408 Request Timeout", "…")`."""
    body = f"{words}\n".encode()
    lines = [b"HTTP/1.1 " + status.encode()]
    lines += [name + b": " + value for name, value in headers_of(TEXT, body, more)]
    return b"\r\n".join([*lines, b"", body])
