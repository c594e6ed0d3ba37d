"""Outcomes: what the server does with one request."""

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
    """Tool calls: name and arguments; arguments given as text are sent unchanged, even if not JSON."""
    usage: tuple[int, int] | None = (11, 7)
    """All input and all output tokens, including those below; None reports nothing."""
    cache_read: int = 0
    cache_written: int = 0
    reasoning_tokens: int = 0
    cost_usd: float | None = None
    """In the chat format as `usage.cost`, as OpenRouter and other gateways report it."""
    finish_reason: str | None = "auto"
    """`auto`: as a correct server; None: absent; `length`, `content_filter` and `refusal`: the format's word for it
    (with `refusal`, the text is the refusal's); anything else is sent unchanged."""
    signature: str | None = None
    """The signature to be sent back with the reasoning or the first call. None: a hosted model's own signature, nothing
    for other models; an empty text: no signature."""
    token_delay_s: float = 0.0
    word_chars: int | None = None
    """The size of a streamed piece in characters; None streams words."""
    call_id: str = ""
    """The calls' ids are this, a dash and their index; empty makes ids that no other reply has."""
    same_call_ids: bool = False
    """All calls have the id of the first."""
    number: int = 0
    """The number of the reply, set by the server: part of the ids, which must be unique."""
    transformations: Sequence[Mapping[str, Any]] = ()
    """What was left out of the request, set by the server (Anthropic's `input_transformations`)."""

    def words(self, text: str) -> list[str]:
        """The text in the pieces in which it is streamed."""
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
    """None: the format's default for the status."""
    error_code: str | None = None
    param: str | None = None
    """The wrong parameter, in the formats of OpenAI."""
    body: Any = None
    """The whole body, for servers with an error format of their own; None: the format's."""


@dataclass(frozen=True)
class Drop:
    """The connection ends before any response."""


@dataclass(frozen=True)
class Reset:
    """The connection is reset in the middle of the stream."""

    after_chunks: int = 3
    answer: Answer = field(default_factory=lambda: Answer("This is never said to its end."))


@dataclass(frozen=True)
class Hang:
    """The reply stops until the client leaves or `WireServer.release()` lets the rest through."""

    after_chunks: int | None = None
    """The number of chunks sent before; None hangs before the headers."""
    answer: Answer = field(default_factory=lambda: Answer("That took long."))


@dataclass(frozen=True)
class Raw:
    """Any bytes as the body: truncated JSON, garbage, HTML, a stream without choices."""

    body: bytes
    content_type: str = "text/event-stream"
    content_length: int | None = None
    """The announced length in bytes; None announces the real one. A larger one makes a truncated body."""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def events(cls, *chunks: Mapping[str, Any] | str) -> "Raw":
        """A stream of exactly these events, without a [DONE]."""
        texts = [chunk if isinstance(chunk, str) else json.dumps(chunk) for chunk in chunks]
        return cls("".join(f"data: {text}\n\n" for text in texts).encode())


@dataclass(frozen=True)
class StreamError:
    """An error in a stream that began with status 200, in the format's words."""

    status: int = 529
    after_chunks: int = 2
    answer: Answer = field(default_factory=lambda: Answer("This is never said to its end."))


@dataclass(frozen=True)
class Cut:
    """The stream ends in the middle of the reply as if it were complete."""

    after_chunks: int = 3
    answer: Answer = field(default_factory=lambda: Answer("This is never said to its end."))


@dataclass(frozen=True)
class Endless:
    """The same piece of text repeatedly, until the client leaves."""

    pause_s: float = 0.01


Outcome = Answer | Status | Drop | Reset | Hang | Raw | StreamError | Cut | Endless
