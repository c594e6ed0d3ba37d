"""Chunks of the chat format as sent by servers other than OpenAI's."""

import json
from typing import Any

from tests.wire import Raw


def chunk(finish_reason: str | None = None, usage: Any = None, **delta: Any) -> dict[str, Any]:
    """One chunk with that delta."""
    made: dict[str, Any] = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m1"}
    made["choices"] = [{"index": 0, "delta": delta, "finish_reason": finish_reason}]
    return made | ({"usage": usage} if usage is not None else {})


def call(name: str | None, arguments: Any, *, index: int | None = 0, call_id: str | None = None) -> dict[str, Any]:
    """One piece of a tool call, without members that are None."""
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    about = {key: value for key, value in (("index", index), ("id", call_id)) if value is not None}
    return {**about, "type": "function", "function": function}


def stream(*events: Any, done: bool = True) -> Raw:
    """A stream of events; bytes are sent unchanged."""
    pieces = [each if isinstance(each, bytes) else f"data: {json.dumps(each)}\n\n".encode() for each in events]
    return Raw(b"".join(pieces) + (b"data: [DONE]\n\n" if done else b""))
