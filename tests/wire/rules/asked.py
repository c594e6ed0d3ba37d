"""What a rule is asked about: the request, and what its server has said before."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.wire.dialects import Dialect
from tests.wire.formats.messages import Messages
from tests.wire.formats.responses import Responses
from tests.wire.http import Request
from tests.wire.outcomes import Answer, Status
from tests.wire.rules.thoughts import Thoughts


@dataclass
class Said:
    """What the server has said, as far as a provider knows it again."""

    signatures: set[str] = field(default_factory=set)
    """Signatures and encrypted reasoning of all formats."""
    responses: set[str] = field(default_factory=set)
    """The ids of responses that are stored."""
    led_to_by: dict[str, str] = field(default_factory=dict)
    """The reasoning item that each item of the Responses format came after, by their ids."""
    thoughts: Thoughts = field(default_factory=Thoughts)

    def remember(self, answer: Answer, asked: "Asked") -> None:
        """Keep what the answer gives the client to send back."""
        if answer.signature:
            self.signatures.add(answer.signature)
            if isinstance(asked.request.format, Messages):
                self.thoughts.remember(answer, asked)
        if isinstance(asked.request.format, Responses):
            whole = asked.request.format.whole(answer, asked.body)
            if asked.body.get("store", True):
                self.responses.add(whole["id"])
            first, *rest = whole["output"] or [{}]
            if first.get("type") == "reasoning":
                self.led_to_by.update({each["id"]: first["id"] for each in rest})


@dataclass(frozen=True)
class Asked:
    """One request, and what is known when it comes."""

    request: Request
    dialect: Dialect
    said: Said

    @property
    def body(self) -> dict[str, Any]:
        """The body of the request."""
        return self.request.body

    @property
    def model(self) -> str:
        """The name of the model that is asked."""
        return self.request.model

    def tools(self) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """The tools the request offers, with their index."""
        yield from enumerate(self.body.get("tools") or ())


Rule = Callable[[Asked], Status | None]
"""The refusal of a request that breaks it; None for any other request."""


def invalid(message: str, param: str | None = None, code: str | None = None, *, status: int = 400) -> Status:
    """A refusal in the words of OpenAI's formats."""
    return Status(status, message=message, error_type="invalid_request_error", param=param, error_code=code)


def refused(message: str) -> Status:
    """A refusal of a format that knows one type of it."""
    return Status(400, message=message)
