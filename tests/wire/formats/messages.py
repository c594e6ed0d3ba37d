"""Anthropic's Messages: https://platform.claude.com/docs/en/api/messages and …/build-with-claude/streaming"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tests.wire.outcomes import Answer, Status

_ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}

_REASONS = {"length": "max_tokens", "content_filter": "refusal"}


class Messages:
    """`POST …/v1/messages`."""

    def serves(self, path: str) -> bool:
        """True by the end of the path, before the query."""
        return path.partition("?")[0].endswith("/v1/messages")

    def wants_stream(self, path: str, body: Mapping[str, Any]) -> bool:
        """By the field `stream` of the body."""
        return bool(body.get("stream"))

    def offered(self, body: Mapping[str, Any]) -> set[str]:
        """The names of the tools."""
        return {each["name"] for each in body.get("tools", [])}

    def last_result(self, body: Mapping[str, Any]) -> str | None:
        """The text of a tool_result block."""
        last = body["messages"][-1]["content"][-1]
        return "".join(part["text"] for part in last["content"]) if last["type"] == "tool_result" else None

    def frames(self, answer: Answer, body: Mapping[str, Any]) -> Iterator[tuple[str | None, Any]]:
        """message_start, a start, deltas and a stop for each block, then the reason and the usage."""
        for event in _events(answer):
            yield event["type"], event

    def whole(self, answer: Answer, body: Mapping[str, Any]) -> Any:
        """A message object."""
        content: list[dict[str, Any]] = []
        if answer.reasoning:
            content.append({"type": "thinking", "thinking": answer.reasoning, "signature": answer.signature or ""})
        if answer.text:
            content.append({"type": "text", "text": answer.text})
        content.extend(
            {**_call(answer, index), "input": json.loads(answer.arguments_text(index) or "{}")}
            for index in range(len(answer.calls))
        )
        return _message(answer, content=content, stop_reason=_stop_reason(answer), usage=_usage(answer))

    def error(self, status: Status) -> Any:
        """An error object in an envelope."""
        kind = status.error_type or _ERROR_TYPES.get(status.code, "api_error")
        return {"type": "error", "error": {"type": kind, "message": status.message}, "request_id": "req_wire"}

    def error_frame(self, status: Status, number: int) -> tuple[str | None, Any]:
        """The same object, as an event called error."""
        return "error", self.error(status)


def _events(answer: Answer) -> Iterator[dict[str, Any]]:
    yield {
        "type": "message_start",
        "message": _message(answer, content=[], stop_reason=None, usage=_first_usage(answer)),
    }
    blocks = list(_blocks(answer))
    for index, (start, deltas) in enumerate(blocks):
        yield {"type": "content_block_start", "index": index, "content_block": start}
        if not index:
            yield {"type": "ping"}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    delta = {"stop_reason": _stop_reason(answer), "stop_sequence": None}
    yield {"type": "message_delta", "delta": delta, "usage": {"output_tokens": answer.usage[1] if answer.usage else 0}}
    yield {"type": "message_stop"}


def _blocks(answer: Answer) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Every block as it starts, with the deltas that fill it."""
    if answer.reasoning or answer.signature:
        deltas = [{"type": "thinking_delta", "thinking": word} for word in answer.words(answer.reasoning)]
        if answer.signature:
            deltas.append({"type": "signature_delta", "signature": answer.signature})
        yield {"type": "thinking", "thinking": "", "signature": ""}, deltas
    if answer.text:
        yield (
            {"type": "text", "text": ""},
            [{"type": "text_delta", "text": word} for word in answer.words(answer.text)],
        )
    for index in range(len(answer.calls)):
        text = answer.arguments_text(index)
        pieces = [text[start : start + 7] for start in range(0, len(text), 7)] or [""]
        yield _call(answer, index), [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]


def _call(answer: Answer, index: int) -> dict[str, Any]:
    return {"type": "tool_use", "id": answer.id_of(index), "name": answer.calls[index][0], "input": {}}


def _message(answer: Answer, **fields: Any) -> dict[str, Any]:
    if answer.transformations:
        fields["input_transformations"] = list(answer.transformations)
    return {"id": "msg_wire", "type": "message", "role": "assistant", "model": "m1", "stop_sequence": None, **fields}


def _stop_reason(answer: Answer) -> str | None:
    if answer.finish_reason == "auto":
        return "tool_use" if answer.calls else "end_turn"
    return _REASONS.get(answer.finish_reason or "", answer.finish_reason)


def _first_usage(answer: Answer) -> dict[str, Any]:
    return {**_usage(answer), "output_tokens": 1 if answer.usage else 0}


def _usage(answer: Answer) -> dict[str, Any]:
    read, written = answer.usage or (0, 0)
    return {
        "input_tokens": read - answer.cache_read - answer.cache_written,
        "cache_creation_input_tokens": answer.cache_written,
        "cache_read_input_tokens": answer.cache_read,
        "output_tokens": written,
    }
