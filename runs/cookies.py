"""Cookies read on the event loop, before Django. The standard library's parser is quadratic for some headers."""

from collections.abc import Iterable

Headers = list[tuple[bytes, bytes]]


def cookie_in(header: str, name: str) -> str:
    """The value of a cookie in a `Cookie` header, the last one of that name; empty without one.

    For values that need no quotation marks, such as a session key.
    """
    value = ""
    for part in header.split(";"):
        key, _, text = part.partition("=")
        if key.strip() == name:
            value = text.strip()
    return value


def without_escapes(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    """The headers without cookies that contain a backslash; none of ours does.

    Django unescapes such cookies with `http.cookies`, in quadratic time before Python 3.11.10: half a second
    for one header (CVE-2024-7592).
    """
    return [(name, _plain(value) if name == b"cookie" and b"\\" in value else value) for name, value in headers]


def _plain(header: bytes) -> bytes:
    return b";".join(part for part in header.split(b";") if b"\\" not in part)
