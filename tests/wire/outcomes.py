"""What the server does with one request."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Answer:
    """A good reply, streamed word by word if the request asks for a stream."""

    text: str = ""
    reasoning: str = ""
    """In the chat format as `reasoning_content`, as DeepSeek, vLLM and others send it."""
    calls: Sequence[tuple[str, Mapping[str, Any] | str]] = ()
    """Tool calls: name and arguments; arguments given as text are sent as they are, also if they are no JSON."""
    usage: tuple[int, int] | None = (11, 7)
    """All input and all output tokens, those below included; None reports nothing."""
    cache_read: int = 0
    cache_written: int = 0
    reasoning_tokens: int = 0
    cost_usd: float | None = None
    """In the chat format as `usage.cost`, as OpenRouter and other gateways report it."""
    finish_reason: str | None = "auto"
    """`auto` is what a correct server says; None says nothing; `length`, `content_filter` and `refusal` are what the
    format calls so (with `refusal` the text is its words); anything else is said as it is."""
    signature: str | None = None
    """What the provider wants back with the reasoning, or with the first call. None is what a hosted model gives by
    itself, and nothing of any other; an empty one is none at all."""
    token_delay_s: float = 0.0
    word_chars: int | None = None
    """Pieces of so many characters; None sends word by word."""
    call_id: str = ""
    """The calls' ids are this, a dash and their index; empty makes ids that no other reply has."""
    same_call_ids: bool = False
    """All calls have the id of the first."""
    number: int = 0
    """Which reply of its server this is, filled in by the server: part of the ids that must not come twice."""
    transformations: Sequence[Mapping[str, Any]] = ()
    """What was left out of the request, filled in by the server (Anthropic's `input_transformations`)."""

    def words(self, text: str) -> list[str]:
        """The text in the pieces it is streamed in."""
        if self.word_chars:
            return [text[start : start + self.word_chars] for start in range(0, len(text), self.word_chars)]
        return [word + " " for word in text.split(" ")[:-1]] + text.split(" ")[-1:] if text else []

    def id_of(self, index: int) -> str:
        """The id of a call."""
        return f"{self.call_id or f'wire{self.number}'}-{0 if self.same_call_ids else index}"

    def arguments_text(self, index: int) -> str:
        """The arguments of a call, as text."""
        arguments = self.calls[index][1]
        return arguments if isinstance(arguments, str) else json.dumps(arguments)


@dataclass(frozen=True)
class Status:
    """An HTTP error."""

    code: int
    retry_after: str | None = None
    message: str = "The wire server was told to fail."
    error_type: str | None = None
    """None is what the format calls an error of that status."""
    error_code: str | None = None
    param: str | None = None
    """Which parameter is wrong, in the formats of OpenAI."""
    body: Any = None
    """The whole body, for servers that tell errors in a way of their own; None is that of the format."""


@dataclass(frozen=True)
class Drop:
    """The connection ends before any answer."""


@dataclass(frozen=True)
class Reset:
    """The connection is reset in the middle of the stream."""

    after_chunks: int = 3
    answer: Answer = field(default_factory=lambda: Answer("This is never said to its end."))


@dataclass(frozen=True)
class Hang:
    """Nothing more comes, until the client leaves or `WireServer.release()` lets the rest through."""

    after_chunks: int | None = None
    """None hangs before the headers, a number after that many chunks."""
    answer: Answer = field(default_factory=lambda: Answer("That took long."))


@dataclass(frozen=True)
class Raw:
    """Any bytes as the body: truncated JSON, garbage, HTML, a stream without choices."""

    body: bytes
    content_type: str = "text/event-stream"
    content_length: int | None = None
    """Says so many bytes; None says the truth. More than there are makes a truncated body."""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def events(cls, *chunks: Mapping[str, Any] | str) -> "Raw":
        """A stream of exactly these events, without a [DONE]."""
        texts = [chunk if isinstance(chunk, str) else json.dumps(chunk) for chunk in chunks]
        return cls("".join(f"data: {text}\n\n" for text in texts).encode())


@dataclass(frozen=True)
class StreamError:
    """An error told in the middle of a stream that began with 200, in the words of the format."""

    status: int = 529
    after_chunks: int = 2
    answer: Answer = field(default_factory=lambda: Answer("This is never said to its end."))


@dataclass(frozen=True)
class Cut:
    """The stream ends as if it were whole, in the middle of the reply."""

    after_chunks: int = 3
    answer: Answer = field(default_factory=lambda: Answer("This is never said to its end."))


@dataclass(frozen=True)
class Endless:
    """The same piece of text again and again, until the client leaves."""

    pause_s: float = 0.01


Outcome = Answer | Status | Drop | Reset | Hang | Raw | StreamError | Cut | Endless
