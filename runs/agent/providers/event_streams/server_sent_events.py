"""An incremental decoder of server-sent events with size limits:
https://html.spec.whatwg.org/multipage/server-sent-events.html"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MAX_EVENT_BYTES = 64 * 1024 * 1024
"""The last event of a reply may repeat all of it; a larger one comes from a broken server."""


class EventTooLarge(ValueError):
    """An event or a line exceeds the size limit."""


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One event. `data` is None for a comment and for an event without data, which serve as keep-alives."""

    name: str | None = None
    data: str | None = None


class EventDecoder:
    """A decoder from bytes to events. Incomplete input is kept until the next chunk."""

    def __init__(self, *, max_bytes: int = MAX_EVENT_BYTES) -> None:
        """`max_bytes` is the size limit of an event."""
        self._max_bytes = max_bytes
        self._pending: list[bytes] = []
        self._size = 0
        self._name: str | None = None
        self._data: list[str] = []
        self._data_size = 0

    def feed(self, chunk: bytes) -> Iterator[ServerSentEvent]:
        """Add a chunk, and return the events completed by it. Raises `EventTooLarge`."""
        self._size += len(chunk)
        if self._size > self._max_bytes:
            raise EventTooLarge(f"An event is larger than {self._max_bytes:,} bytes.")
        self._pending.append(chunk)
        if b"\n" not in chunk and b"\r" not in chunk:
            return  # joined once at the end of the line, so that growing prefixes are not copied
        lines = b"".join(self._pending).splitlines(keepends=True)
        # A final carriage return may be the first half of a line end.
        rest = lines.pop() if not lines[-1].endswith(b"\n") else b""
        self._pending = [rest] if rest else []
        for line in lines:
            yield from self._line(line.rstrip(b"\r\n"))
        self._size = len(rest) + self._data_size

    def end(self) -> Iterator[ServerSentEvent]:
        """The last event if only its line end is missing, which servers tend to omit."""
        rest, self._pending = b"".join(self._pending), []
        for line in rest.splitlines():
            yield from self._line(line)
        if self._data:
            yield from self._line(b"")

    def _line(self, line: bytes) -> Iterator[ServerSentEvent]:
        if not line:
            data, name = "\n".join(self._data), self._name
            self._data, self._name, self._data_size = [], None, 0
            yield ServerSentEvent(name, data or None)
            return
        if line.startswith(b":"):
            yield ServerSentEvent()
            return
        field, _, value = line.decode(errors="replace").removeprefix("\ufeff").partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            self._name = value or None
        elif field == "data":
            self._data.append(value)
            self._data_size += len(line) + 1  # an empty line counts too


def encoded(name: str | None, data: Any) -> bytes:
    """An event as bytes; `data` that is not text is encoded as JSON."""
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    lines = "".join(f"data: {line}\n" for line in text.split("\n"))
    return f"{f'event: {name}' + chr(10) if name else ''}{lines}\n".encode(errors="replace")
