"""What the server does with one request."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Answer:
    """A good reply, streamed word by word if the request asks for a stream."""

    text: str = ""
    reasoning: str = ""
    """Sent as `reasoning_content`, as DeepSeek, vLLM and others do."""
    calls: Sequence[tuple[str, Mapping[str, Any] | str]] = ()
    """Tool calls: name and arguments; arguments given as text are sent as they are, also if they are no JSON."""
    usage: tuple[int, int] | None = (11, 7)
    """Input and output tokens; None reports nothing."""
    finish_reason: str | None = "auto"
    """`auto` is what a correct server says; None says nothing."""
    token_delay_s: float = 0.0
    call_id: str = "wire"
    """The calls' ids are this, a dash and their index."""

    def message(self) -> dict[str, Any]:
        """The reply in one piece."""
        message: dict[str, Any] = {"role": "assistant", "content": self.text or None}
        if self.reasoning:
            message["reasoning_content"] = self.reasoning
        if self.calls:
            message["tool_calls"] = [self._call(index) for index in range(len(self.calls))]
        return message

    def chunks(self) -> Iterator[dict[str, Any]]:
        """The reply as the chunks of a stream, the usage last."""
        yield _chunk({"role": "assistant", "content": ""})
        for word in _words(self.reasoning):
            yield _chunk({"reasoning_content": word})
        for word in _words(self.text):
            yield _chunk({"content": word})
        for index in range(len(self.calls)):
            call = self._call(index)
            arguments = call["function"]["arguments"]
            yield _chunk({"tool_calls": [{"index": index, **call, "function": {**call["function"], "arguments": ""}}]})
            for start in range(0, len(arguments), 7):
                piece = {"index": index, "function": {"arguments": arguments[start : start + 7]}}
                yield _chunk({"tool_calls": [piece]})
        yield _chunk({}, finish_reason=self.stated_finish_reason)
        if self.usage:
            yield {**_chunk({}), "choices": [], "usage": self.stated_usage}

    @property
    def stated_finish_reason(self) -> str | None:
        """What the server says about why it ended."""
        if self.finish_reason == "auto":
            return "tool_calls" if self.calls else "stop"
        return self.finish_reason

    @property
    def stated_usage(self) -> dict[str, int] | None:
        """The usage as it goes over the wire."""
        if self.usage is None:
            return None
        read, written = self.usage
        return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}

    def _call(self, index: int) -> dict[str, Any]:
        name, arguments = self.calls[index]
        text = arguments if isinstance(arguments, str) else json.dumps(arguments)
        return {"id": f"{self.call_id}-{index}", "type": "function", "function": {"name": name, "arguments": text}}


@dataclass(frozen=True)
class Status:
    """An HTTP error."""

    code: int
    retry_after: str | None = None
    message: str = "The wire server was told to fail."
    error_type: str = "server_error"
    error_code: str | None = None


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
    """Any bytes as the body of a 200: truncated JSON, garbage, HTML, a stream without choices."""

    body: bytes
    content_type: str = "text/event-stream"
    content_length: int | None = None
    """Says so many bytes; None says the truth. More than there are makes a truncated body."""

    @classmethod
    def events(cls, *chunks: Mapping[str, Any] | str) -> "Raw":
        """A stream of exactly these events, without a [DONE]."""
        texts = [chunk if isinstance(chunk, str) else json.dumps(chunk) for chunk in chunks]
        return cls("".join(f"data: {text}\n\n" for text in texts).encode())


Outcome = Answer | Status | Drop | Reset | Hang | Raw


def _chunk(delta: Mapping[str, Any], *, finish_reason: str | None = None) -> dict[str, Any]:
    return {
        "id": "chatcmpl-wire",
        "object": "chat.completion.chunk",
        "created": 1_790_000_000,
        "model": "m1",
        "choices": [{"index": 0, "delta": dict(delta), "finish_reason": finish_reason}],
    }


def _words(text: str) -> list[str]:
    return [word + " " for word in text.split(" ")[:-1]] + text.split(" ")[-1:] if text else []
