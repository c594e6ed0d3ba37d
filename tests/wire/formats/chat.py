"""OpenAI's chat completions: https://platform.openai.com/docs/api-reference/chat"""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.wire.outcomes import Answer, Status

_HEAD = {"id": "chatcmpl-wire", "created": 1_790_000_000, "model": "m1"}


class ChatCompletions:
    """`POST …/chat/completions`."""

    def serves(self, path: str) -> bool:
        """True by the end of the path."""
        return path.endswith("/chat/completions")

    def wants_stream(self, path: str, body: Mapping[str, Any]) -> bool:
        """By the field `stream` of the body."""
        return bool(body.get("stream"))

    def offered(self, body: Mapping[str, Any]) -> set[str]:
        """The names of the functions."""
        return {each["function"]["name"] for each in body.get("tools", [])}

    def last_result(self, body: Mapping[str, Any]) -> str | None:
        """The content of a message of the role `tool`."""
        last = body["messages"][-1]
        return str(last["content"]) if last["role"] == "tool" else None

    def frames(self, answer: Answer, body: Mapping[str, Any]) -> Iterator[tuple[str | None, Any]]:
        """Chunks, the usage in the last, then [DONE]."""
        for chunk in _chunks(answer):
            yield None, chunk
        yield None, "[DONE]"

    def whole(self, answer: Answer, body: Mapping[str, Any]) -> Any:
        """A completion object."""
        message: dict[str, Any] = {"role": "assistant", "content": answer.text or None, "refusal": None}
        if answer.finish_reason == "refusal":
            message |= {"content": None, "refusal": answer.text}
        if answer.reasoning:
            message["reasoning_content"] = answer.reasoning
        if answer.calls:
            message["tool_calls"] = [_call(answer, index) for index in range(len(answer.calls))]
        choice = {"index": 0, "message": message, "finish_reason": _finish_reason(answer)}
        return {**_HEAD, "object": "chat.completion", "choices": [choice], "usage": _usage(answer)}

    def error(self, status: Status) -> Any:
        """An object with message, type and code."""
        kind = status.error_type or "server_error"
        return {"error": {"message": status.message, "type": kind, "code": status.error_code, "param": status.param}}

    def error_frame(self, status: Status, number: int) -> tuple[str | None, Any]:
        """The same object, as an event; OpenAI gives the cause by its code."""
        code = status.error_code or ("rate_limit_exceeded" if status.code == 429 else "server_error")
        return None, {"error": {"message": status.message, "type": code, "code": code, "param": None}}


def _chunks(answer: Answer) -> Iterator[dict[str, Any]]:
    yield _chunk({"role": "assistant", "content": ""})
    for word in answer.words(answer.reasoning):
        yield _chunk({"reasoning_content": word})
    for word in answer.words(answer.text):
        yield _chunk({"refusal" if answer.finish_reason == "refusal" else "content": word})
    for index in range(len(answer.calls)):
        call = _call(answer, index)
        arguments = call["function"]["arguments"]
        yield _chunk({"tool_calls": [{"index": index, **call, "function": {**call["function"], "arguments": ""}}]})
        for start in range(0, len(arguments), 7):
            piece = {"index": index, "function": {"arguments": arguments[start : start + 7]}}
            yield _chunk({"tool_calls": [piece]})
    yield _chunk({}, finish_reason=_finish_reason(answer))
    if answer.usage:
        yield {**_chunk({}), "choices": [], "usage": _usage(answer)}


def _chunk(delta: Mapping[str, Any], *, finish_reason: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": dict(delta), "finish_reason": finish_reason}
    return {**_HEAD, "object": "chat.completion.chunk", "choices": [choice]}


def _finish_reason(answer: Answer) -> str | None:
    if answer.finish_reason == "auto":
        return "tool_calls" if answer.calls else "stop"
    return "stop" if answer.finish_reason == "refusal" else answer.finish_reason


def _usage(answer: Answer) -> dict[str, Any] | None:
    if answer.usage is None:
        return None
    read, written = answer.usage
    usage: dict[str, Any] = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
    if answer.cache_read:
        usage["prompt_tokens_details"] = {"cached_tokens": answer.cache_read}
    if answer.reasoning_tokens:
        usage["completion_tokens_details"] = {"reasoning_tokens": answer.reasoning_tokens}
    if answer.cost_usd is not None:
        usage["cost"] = answer.cost_usd
    return usage


def _call(answer: Answer, index: int) -> dict[str, Any]:
    function = {"name": answer.calls[index][0], "arguments": answer.arguments_text(index)}
    return {"id": answer.id_of(index), "type": "function", "function": function}
