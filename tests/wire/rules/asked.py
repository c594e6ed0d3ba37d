"""The input of a rule: the request, and the server's earlier replies."""

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
    """The parts of earlier replies that a provider recognizes."""

    signatures: set[str] = field(default_factory=set)
    """Signatures and encrypted reasoning of all formats."""
    responses: set[str] = field(default_factory=set)
    """The ids of stored responses."""
    led_to_by: dict[str, str] = field(default_factory=dict)
    """The reasoning item before each item of the Responses format, by id."""
    thoughts: Thoughts = field(default_factory=Thoughts)

    def remember(self, answer: Answer, asked: "Asked") -> None:
        """Record what the reply gives the client to send back."""
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
    """One request, and the earlier replies at that time."""

    request: Request
    dialect: Dialect
    said: Said

    @property
    def body(self) -> dict[str, Any]:
        """The body of the request."""
        return self.request.body

    @property
    def model(self) -> str:
        """The name of the requested model."""
        return self.request.model

    def tools(self) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """The offered tools, with their index."""
        yield from enumerate(self.body.get("tools") or ())


Rule = Callable[[Asked], Status | None]
"""A rule: the refusal of a request that breaks it; None for any other request."""


def invalid(message: str, param: str | None = None, code: str | None = None, *, status: int = 400) -> Status:
    """A refusal in the words of OpenAI's formats."""
    return Status(status, message=message, error_type="invalid_request_error", param=param, error_code=code)


def refused(message: str) -> Status:
    """A refusal in a format that has one type of error for it."""
    return Status(400, message=message)
