"""Google's generateContent: https://ai.google.dev/api/generate-content"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from tests.wire.outcomes import Answer, Status

_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}

_REASONS = {"auto": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY", "refusal": "SAFETY"}


class Gemini:
    """`POST …/models/<name>:streamGenerateContent?alt=sse`."""

    def serves(self, path: str) -> bool:
        """True by the method after the model's name."""
        return path.partition("?")[0].endswith((":streamGenerateContent", ":generateContent"))

    def wants_stream(self, path: str, body: Mapping[str, Any]) -> bool:
        """By the method in the path."""
        return ":streamGenerateContent" in path

    def offered(self, body: Mapping[str, Any]) -> set[str]:
        """The names of the function declarations."""
        return {each["name"] for tool in body.get("tools", []) for each in tool.get("functionDeclarations", [])}

    def last_result(self, body: Mapping[str, Any]) -> str | None:
        """The values in a functionResponse."""
        response = body["contents"][-1]["parts"][-1].get("functionResponse")
        return " ".join(map(str, response["response"].values())) if response else None

    def frames(self, answer: Answer, body: Mapping[str, Any]) -> Iterator[tuple[str | None, Any]]:
        """Responses with pieces of the content, the finish reason in the last; no end marker."""
        pieces = [[part] for part in _parts(answer)] or [[]]
        for number, parts in enumerate(pieces, start=1):
            yield None, _response(answer, parts, is_last=number == len(pieces))

    def whole(self, answer: Answer, body: Mapping[str, Any]) -> Any:
        """One response object."""
        return _response(answer, list(_parts(answer)), is_last=True)

    def error(self, status: Status) -> Any:
        """An object with code, message and status."""
        name = status.error_type or _STATUSES.get(status.code, "UNKNOWN")
        return {"error": {"code": status.code, "message": status.message, "status": name}}

    def error_frame(self, status: Status, number: int) -> tuple[str | None, Any]:
        """The same object, as an event."""
        return None, self.error(status)


def _parts(answer: Answer) -> Iterator[dict[str, Any]]:
    for word in answer.words(answer.reasoning):
        yield {"text": word, "thought": True}
    for word in answer.words(answer.text):
        yield {"text": word}
    for index, (name, arguments) in enumerate(answer.calls):
        args = json.loads(arguments or "{}") if isinstance(arguments, str) else arguments
        part: dict[str, Any] = {"functionCall": {"id": answer.id_of(index), "name": name, "args": args}}
        if answer.signature and not index:
            part["thoughtSignature"] = answer.signature
        yield part


def _response(answer: Answer, parts: list[dict[str, Any]], *, is_last: bool) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": parts}, "index": 0}
    response: dict[str, Any] = {"candidates": [candidate], "modelVersion": "m1", "responseId": "wire"}
    if is_last and answer.finish_reason:
        candidate["finishReason"] = _REASONS.get(answer.finish_reason, answer.finish_reason)
    if answer.usage:
        read, written = answer.usage
        response["usageMetadata"] = {
            "promptTokenCount": read,
            "candidatesTokenCount": written - answer.reasoning_tokens,
            "totalTokenCount": read + written,
            **({"cachedContentTokenCount": answer.cache_read} if answer.cache_read else {}),
            **({"thoughtsTokenCount": answer.reasoning_tokens} if answer.reasoning_tokens else {}),
        }
    return response
