"""One request and its reply so far: the facts read from the bytes, independent of the SDK."""

from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, NoReturn, Protocol

from runs.agent.errors.model_exceptions import ModelFailure
from runs.agent.json_data.json_types import JsonObject
from runs.agent.messages import Delta
from runs.agent.tools.validation import shortened_text
from runs.agent.usage import Usage

EventFrame = tuple[str | None, Any]
"""An event's name, and its data: text, or JSON."""


@dataclass(slots=True)
class ReplyFacts:
    """The facts of a reply, as read from its stream."""

    finish_reason: str = ""
    """The provider's finish reason; empty until it is sent."""
    explanation: str = ""
    """Text of the provider or the model about the ending: a refusal, a malformed call."""
    has_begun: bool = False
    """True once any content has arrived."""
    is_ended: bool = False
    """True once the format's end has arrived (`[DONE]`, `message_stop` …), with or without a reason."""
    is_over: bool = False
    """True once the last possible event has arrived."""
    usage: Usage = field(default_factory=Usage)
    """The usage from all reports so far."""
    details: JsonObject = field(default_factory=dict)
    """Data that the provider wants back with the turn, unknown to the transport."""
    held_back: list[str] = field(default_factory=list)
    """Texts of held-back pieces since the last event, reported as deltas of kind `call`."""
    holds_calls_back: bool = False
    dropped: list[str] = field(default_factory=list)
    """Parts of the conversation that the provider reports as dropped, by its names."""


class StreamFormat(Protocol):
    """The normaliser of one wire format's streams; a new object for each reply."""

    facts: ReplyFacts

    def event(self, name: str | None, data: Any) -> Iterable[EventFrame]:
        """The frames for the SDK. Raises `BodyIsError` for an error event, `Unreadable` for other unknown data."""
        ...

    def whole(self, body: Any) -> Iterable[EventFrame]:
        """The frames of a reply in one piece. Raises `BodyIsError` for an error body, `Unreadable` for any other."""
        ...

    def end(self) -> Iterable[EventFrame]:
        """The remaining frames at the end of the stream."""
        ...


class BodyIsError(Exception):
    """The provider sent an error in place of a reply; `body` is the error."""

    def __init__(self, body: Any) -> None:
        super().__init__(str(body)[:200])
        self.body = body


class Unreadable(Exception):
    """The server sent neither a part of a reply nor an error; the message quotes its beginning."""

    def __init__(self, what: Any) -> None:
        shown = what.decode(errors="replace") if isinstance(what, bytes) else str(what)
        super().__init__(f"It sent data that is not part of a reply: {shortened_text(shown, max_length=200)}")


def raise_unless_error(body: Any) -> NoReturn:
    """Raise `BodyIsError` for JSON that describes an error, `Unreadable` for any other."""
    for each in body if isinstance(body, list) else [body]:
        if isinstance(each, dict) and (any(each.get(name) for name in _ERROR_NAMES) or each.get("object") == "error"):
            raise BodyIsError(body)
    raise Unreadable(body)


_ERROR_NAMES = ("error", "errors", "detail", "message", "code")


@dataclass(slots=True)
class HttpExchange:
    """One request to one server, and its response."""

    format: StreamFormat
    failure_of: Callable[[Any, int, dict[str, str]], ModelFailure]
    """Makes the failure from an error body, the HTTP status (200 inside a stream) and the headers."""
    unreadable: Callable[[str], ModelFailure]
    """Makes the failure for data that is not part of a reply."""
    change_request: Callable[[JsonObject], JsonObject]
    """Returns the body to send for the SDK's body; the same object for no change."""
    hear: Callable[[Delta], None]
    """Called at each sign of life of the connection, and with the pieces that the format holds back."""
    failure: ModelFailure | None = None
    """The failure found in the bytes. It takes precedence over what the SDK raises afterwards."""
    is_sent: bool = False
    """True once a request was sent. An SDK's own retry is refused: the run decides about attempts and records them."""


current: ContextVar[HttpExchange | None] = ContextVar("the exchange a request belongs to", default=None)
