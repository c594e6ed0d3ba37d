"""The wire formats: requests, replies and errors in each."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from tests.wire.formats.chat import ChatCompletions
from tests.wire.formats.gemini import Gemini
from tests.wire.formats.messages import Messages
from tests.wire.formats.responses import Responses
from tests.wire.outcomes import Answer, Status


class Format(Protocol):
    """One wire format. A frame is the name of an event (or None) and its data."""

    def serves(self, path: str) -> bool:
        """True if requests to this path are of this format."""
        ...

    def wants_stream(self, path: str, body: Mapping[str, Any]) -> bool:
        """True if the request asks for a stream."""
        ...

    def offered(self, body: Mapping[str, Any]) -> set[str]:
        """The names of the tools a request offers."""
        ...

    def last_result(self, body: Mapping[str, Any]) -> str | None:
        """The result of the last tool call; None if the conversation does not end with a result."""
        ...

    def frames(self, answer: Answer, body: Mapping[str, Any]) -> Iterator[tuple[str | None, Any]]:
        """The reply as the events of a stream; text is sent as it is, other data as JSON."""
        ...

    def whole(self, answer: Answer, body: Mapping[str, Any]) -> Any:
        """The reply in one piece."""
        ...

    def error(self, status: Status) -> Any:
        """The body of an HTTP error."""
        ...

    def error_frame(self, status: Status, number: int) -> tuple[str | None, Any]:
        """The event for an error in a stream, after `number` other events."""
        ...


FORMATS: tuple[Format, ...] = (ChatCompletions(), Responses(), Messages(), Gemini())


def format_of(path: str) -> Format | None:
    """The format of requests to that path."""
    return next((each for each in FORMATS if each.serves(path)), None)


def as_event(frame: tuple[str | None, Any]) -> bytes:
    """A frame as the bytes of a server-sent event."""
    name, data = frame
    text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
    return (f"event: {name}\n" if name else "").encode() + f"data: {text}\n\n".encode()
