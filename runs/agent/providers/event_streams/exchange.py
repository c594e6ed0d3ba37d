"""One request and its reply, as far as it has come: what the bytes said, whatever an SDK makes of them."""

from collections.abc import Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, NoReturn, Protocol

from runs.agent.errors import ModelFailure
from runs.agent.messages import Delta, Usage
from runs.agent.tools.validation import shortened_text

Frame = tuple[str | None, Any]
"""An event's name, and its data: text, or JSON."""


@dataclass(slots=True)
class ReplyFacts:
    """What a reply said about itself."""

    finish_reason: str = ""
    """The provider's word for why it ended; empty while it has said none."""
    explanation: str = ""
    """The provider's or the model's own words about that: a refusal, a malformed call."""
    has_begun: bool = False
    """Something of it has come."""
    is_ended: bool = False
    """The format's own end came (`[DONE]`, `message_stop` …), with or without a reason."""
    is_over: bool = False
    """The last event there can be has come: nothing is waited for any more."""
    usage: Usage = field(default_factory=Usage)
    """The last report."""
    details: dict[str, Any] = field(default_factory=dict)
    """What the provider wants back with the turn and the transport knows nothing of."""
    held_back: list[str] = field(default_factory=list)
    """Pieces of calls that have come and are passed on when the reply is over."""
    holds_calls_back: bool = False
    dropped: list[str] = field(default_factory=list)
    """Parts of the past that the provider says it did not give to the model, in its words."""


class StreamFormat(Protocol):
    """One wire format's streams. Made anew for each reply."""

    facts: ReplyFacts

    def event(self, name: str | None, data: Any) -> Iterable[Frame]:
        """The frames its SDK is to read for an event. Raises `BodyIsError` for one that tells of an error."""
        ...

    def whole(self, body: Any) -> Iterable[Frame]:
        """The frames of a reply that came in one piece. Raises `BodyIsError` for a body that is none."""
        ...

    def end(self) -> Iterable[Frame]:
        """What is left to say when the stream is over."""
        ...


class BodyIsError(Exception):
    """Where a reply was expected, the provider told of an error; `body` is what it said."""

    def __init__(self, body: Any) -> None:
        super().__init__(str(body)[:200])
        self.body = body


class Unreadable(Exception):
    """Something came that is neither a part of a reply nor an error; the message shows its beginning."""

    def __init__(self, what: Any) -> None:
        shown = what.decode(errors="replace") if isinstance(what, bytes) else str(what)
        super().__init__(f"It sent what is no part of a reply: {shortened_text(shown, max_length=200)}")


def raise_unless_error(body: Any) -> NoReturn:
    """Raise `BodyIsError` for JSON that tells of an error, `Unreadable` for any other."""
    for each in body if isinstance(body, list) else [body]:
        if isinstance(each, dict) and (any(each.get(name) for name in _ERROR_NAMES) or each.get("object") == "error"):
            raise BodyIsError(body)
    raise Unreadable(body)


_ERROR_NAMES = ("error", "errors", "detail", "message", "code")


@dataclass(slots=True)
class Exchange:
    """One request to one server, and what came back."""

    format: StreamFormat
    failure_of: Callable[[Any, int, dict[str, str]], ModelFailure]
    """The failure for the body of an error, an HTTP status (200 for one inside a stream) and headers."""
    unreadable: Callable[[str], ModelFailure]
    """The failure for something that is no part of a reply."""
    change_request: Callable[[dict[str, Any]], dict[str, Any]]
    """The body to send for the one the SDK has made; the same object if nothing is to be changed."""
    hear: Callable[[Delta], None]
    """Told of each sign that the connection lives, and of the pieces the format holds back."""
    failure: ModelFailure | None = None
    """Why there is no reply, where the bytes say so. It outranks whatever the SDK raises afterwards."""
    is_sent: bool = False
    """A request has gone out. There is no second one: the run decides about attempts, and shows them."""


current: ContextVar[Exchange | None] = ContextVar("the exchange a request belongs to", default=None)
