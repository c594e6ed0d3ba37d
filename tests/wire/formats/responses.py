"""OpenAI's Responses, as Open Responses servers speak it too:
https://platform.openai.com/docs/api-reference/responses"""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.wire.formats.responses_items import Item, items_of
from tests.wire.outcomes import Answer, Status

_ENDS = {"auto", "stop", "tool_calls", "refusal"}
_CUTS = {"length": "max_output_tokens"}
_CODES = {429: "rate_limit_exceeded", 503: "server_is_overloaded", 529: "server_is_overloaded"}
_ECHOED: dict[str, Any] = {
    "instructions": None,
    "max_output_tokens": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "store": True,
    "temperature": 1.0,
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
    "truncation": "disabled",
}
"""The request's fields that a response repeats, with their defaults."""


class Responses:
    """`POST …/responses`."""

    def serves(self, path: str) -> bool:
        """True by the end of the path, before the query."""
        return path.partition("?")[0].endswith("/responses")

    def wants_stream(self, path: str, body: Mapping[str, Any]) -> bool:
        """By the field `stream` of the body."""
        return bool(body.get("stream"))

    def offered(self, body: Mapping[str, Any]) -> set[str]:
        """The names of the function tools."""
        return {each["name"] for each in body.get("tools") or () if each.get("type") == "function"}

    def last_result(self, body: Mapping[str, Any]) -> str | None:
        """The output of a function_call_output item."""
        last = body["input"][-1] if isinstance(body["input"], list) else {}
        if last.get("type") != "function_call_output":
            return None
        output = last["output"]
        return output if isinstance(output, str) else "".join(part.get("text", "") for part in output)

    def frames(self, answer: Answer, body: Mapping[str, Any]) -> Iterator[tuple[str | None, Any]]:
        """The response as it begins, every item as it grows, the response as it ended; no [DONE]."""
        for number, event in enumerate(_events(answer, body)):
            yield event["type"], {**event, "sequence_number": number}

    def whole(self, answer: Answer, body: Mapping[str, Any]) -> Any:
        """A response object."""
        return _ended(answer, body, list(items_of(answer, body)))

    def error(self, status: Status) -> Any:
        """An object with message, type, parameter and code."""
        kind = status.error_type or "server_error"
        return {"error": {"message": status.message, "type": kind, "param": status.param, "code": status.error_code}}

    def error_frame(self, status: Status, number: int) -> tuple[str | None, Any]:
        """An event called error, which gives the cause by its code."""
        code = status.error_code or _CODES.get(status.code, "server_error")
        told = {"type": "error", "code": code, "message": status.message, "param": status.param}
        return "error", {**told, "sequence_number": number}


def _events(answer: Answer, body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    begun = _response(answer, body, status="in_progress")
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    items = list(items_of(answer, body))
    for place, item in enumerate(items):
        yield from item.events(place)
    ended = _ended(answer, body, items)
    yield {"type": f"response.{ended['status'] or 'completed'}", "response": ended}


def _ended(answer: Answer, body: Mapping[str, Any], items: list[Item]) -> dict[str, Any]:
    reason = answer.finish_reason
    more: dict[str, Any] = {"status": "completed" if reason in _ENDS else reason and "incomplete"}
    if reason in ("error", "failed"):
        error = {"code": "server_error", "message": "The model could not finish its reply."}
        more = {"status": "failed", "error": error}
    elif more["status"] == "incomplete":
        more["incomplete_details"] = {"reason": _CUTS.get(str(reason), reason)}
    return _response(answer, body, output=[item.done for item in items], usage=_usage(answer), **more)


def _response(answer: Answer, body: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    reasoning = body.get("reasoning") or {}
    return {
        "id": f"resp_wire{answer.number}",
        "object": "response",
        "created_at": 1_790_000_000,
        "background": False,
        "error": None,
        "incomplete_details": None,
        "model": body.get("model", "m1"),
        "output": [],
        "reasoning": {"effort": reasoning.get("effort"), "summary": reasoning.get("summary")},
        "service_tier": "default",
        "text": body.get("text") or {"format": {"type": "text"}},
        "usage": None,
        **{name: body.get(name, otherwise) for name, otherwise in _ECHOED.items()},
        **fields,
    }


def _usage(answer: Answer) -> dict[str, Any] | None:
    if answer.usage is None:
        return None
    read, written = answer.usage
    return {
        "input_tokens": read,
        "input_tokens_details": {"cached_tokens": answer.cache_read, "cache_write_tokens": answer.cache_written},
        "output_tokens": written,
        "output_tokens_details": {"reasoning_tokens": answer.reasoning_tokens},
        "total_tokens": read + written,
    }
