"""Streams of Anthropic's Messages format, from Anthropic and compatible servers."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from runs.agent.json_data.json_types import JsonObject
from runs.agent.providers.event_streams.exchange import BodyIsError, EventFrame, ReplyFacts, raise_unless_error
from runs.agent.providers.event_streams.usage_counts import count, known_usage, merged

_BLOCKS: Final = frozenset({"text", "thinking", "redacted_thinking", "tool_use"})
_DELTAS: Final = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "signature_delta": "thinking",
    "input_json_delta": "tool_use",
}
"""The kind of block of each delta. Other deltas belong to features that no request uses; they are dropped."""


class MessageStream:
    """A normaliser of the stream: passes blocks and deltas of known kinds, and adds what the SDK needs and a server
    omits."""

    def __init__(self) -> None:
        self.facts = ReplyFacts()
        self._usage: JsonObject = {}
        self._open: dict[Any, str] = {}
        """The kinds of the open blocks, by index."""
        self._has_begun = False
        self._end: JsonObject | None = None

    def event(self, name: str | None, data: Any) -> Iterable[EventFrame]:
        """The frame of an event of a known kind."""
        if not isinstance(data, dict):
            raise_unless_error(data)
        kind = data.get("type") or name
        match kind:
            case "error":
                raise BodyIsError(data)
            case "message_start":
                return self._start(data.get("message"))
            case "content_block_start":
                return self._block_start(data)
            case "content_block_delta":
                return self._block_delta(data)
            case "content_block_stop":
                is_known = self._open.pop(data.get("index"), None) is not None
                return [(str(kind), {**data, "type": kind})] if is_known else ()
            case "message_delta":
                return self._message_delta(data)
            case "message_stop":
                self.facts.is_ended = self.facts.is_over = True
        return ()

    def whole(self, body: Any) -> Iterator[EventFrame]:
        """The frames of a message in one piece, from a server that does not stream."""
        if not isinstance(body, dict) or body.get("type") == "error" or not isinstance(body.get("content"), list):
            raise_unless_error(body)
        yield from self._start({**body, "content": []})
        for index, block in enumerate(body["content"]):
            if isinstance(block, dict) and block.get("type") in _BLOCKS:
                yield "content_block_start", {"type": "content_block_start", "index": index, "content_block": block}
                yield "content_block_stop", {"type": "content_block_stop", "index": index}
        delta = {name: body.get(name) for name in ("stop_reason", "stop_sequence", "stop_details")}
        yield from self._message_delta({"delta": delta, "usage": body.get("usage")})
        self.facts.is_ended = True

    def end(self) -> Iterator[EventFrame]:
        """The frames with the stop reason and the end that the SDK waits for."""
        for index in list(self._open):
            yield "content_block_stop", {"type": "content_block_stop", "index": index}
        if self._end is not None:
            yield "message_delta", self._end
        if self.facts.is_ended:
            yield "message_stop", {"type": "message_stop"}

    def _start(self, message: Any) -> Iterator[EventFrame]:
        message = message if isinstance(message, dict) else {}
        self._has_begun = True
        self.facts.has_begun = self.facts.has_begun or bool(message)
        self._note_usage(message.get("usage"))
        self._note_dropped(message.get("input_transformations"))
        known = {
            "id": "msg",
            "type": "message",
            "role": "assistant",
            "model": "",
            "stop_reason": None,
            "stop_sequence": None,
            **{key: value for key, value in message.items() if key != "input_transformations"},
            "content": [],
            "usage": {"input_tokens": 0, "output_tokens": 0},
        }
        yield "message_start", {"type": "message_start", "message": known}

    def _block_start(self, data: JsonObject) -> Iterator[EventFrame]:
        block, index = data.get("content_block"), data.get("index")
        if not isinstance(block, dict) or block.get("type") not in _BLOCKS:
            return
        yield from self._begun()
        self._open[index] = str(block["type"])
        self.facts.has_begun = True
        filled: dict[str, JsonObject] = {
            "text": {"text": ""},
            "thinking": {"thinking": "", "signature": ""},
            "tool_use": {"input": {}},
        }
        yield (
            "content_block_start",
            {
                "type": "content_block_start",
                "index": index,
                "content_block": {**filled.get(self._open[index], {}), **block},
            },
        )

    def _block_delta(self, data: JsonObject) -> Iterator[EventFrame]:
        delta, index = data.get("delta"), data.get("index")
        kind = _DELTAS.get(str(delta.get("type"))) if isinstance(delta, dict) else None
        if kind is None:
            return
        if index not in self._open and kind != "tool_use":
            yield from self._block_start({"index": index, "content_block": {"type": kind}})
        if self._open.get(index) == kind:
            yield "content_block_delta", {"type": "content_block_delta", "index": index, "delta": delta}

    def _message_delta(self, data: JsonObject) -> Iterable[EventFrame]:
        delta = data.get("delta")
        delta = delta if isinstance(delta, dict) else {}
        self._note_usage(data.get("usage"))
        self._note_dropped(data.get("input_transformations"))
        if reason := delta.get("stop_reason"):
            self.facts.finish_reason = str(reason)
            self.facts.is_ended = True
        details = delta.get("stop_details")
        if isinstance(details, dict):
            words = [str(details[key]) for key in ("category", "explanation") if details.get(key)]
            self.facts.explanation = ": ".join(words)
        told = {"stop_reason": delta.get("stop_reason"), "stop_sequence": delta.get("stop_sequence")}
        # Written by `end`, without figures: the usage is read from the reports by `_note_usage`.
        self._end = {"type": "message_delta", "delta": told, "usage": {"output_tokens": 0}}
        return ()

    def _begun(self) -> Iterator[EventFrame]:
        if not self._has_begun:
            yield from self._start({})

    def _note_dropped(self, transformations: Any) -> None:
        """Note the thoughts of earlier turns that Anthropic dropped because the messages before them have changed."""
        for each in transformations if isinstance(transformations, list) else ():
            if isinstance(each, dict):
                self.facts.dropped.append(str(each.get("type") or "changed"))

    def _note_usage(self, usage: Any) -> None:
        if not isinstance(usage, dict):
            return
        told = self._usage = merged(self._usage, usage)
        read, written = count(told, "cache_read_input_tokens"), count(told, "cache_creation_input_tokens")
        fresh = count(told, "input_tokens")
        self.facts.usage = known_usage(
            input_tokens=None if fresh is None else fresh + (read or 0) + (written or 0),
            output_tokens=count(told, "output_tokens"),
            cache_read_tokens=read,
            cache_write_tokens=written,
            reasoning_tokens=count(told, "output_tokens_details", "thinking_tokens"),
        )
