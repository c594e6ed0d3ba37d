"""Streams of chat completions, from OpenAI and from servers that deviate from its format."""

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from runs.agent.json_data.json_types import JsonObject
from runs.agent.providers.event_streams.exchange import BodyIsError, EventFrame, ReplyFacts, raise_unless_error
from runs.agent.providers.event_streams.tool_call_assembly import ToolCallAssembler
from runs.agent.providers.event_streams.usage_counts import count, known_usage, merged, usd


class ChatCompletionStream:
    """A normaliser of the stream. It holds calls back until the end of the reply: only then are they surely
    complete."""

    def __init__(self, tool_names: Collection[str]) -> None:
        self.facts = ReplyFacts(holds_calls_back=True)
        self._calls = ToolCallAssembler(tool_names)
        self._usage: JsonObject = {}
        self._reasoning_details: list[_Detail] = []
        self._head: JsonObject = {}
        self._refusal: list[str] = []
        self._finish: str | None = None

    def event(self, name: str | None, data: Any) -> Iterable[EventFrame]:  # noqa: ARG002 - the format names no events
        """The chunk without its calls and its usage."""
        if not isinstance(data, dict) or data.get("error") or data.get("object") == "error":
            raise_unless_error(data)
        choices = data.get("choices")
        if not isinstance(choices, list) and (choices is not None or ("usage" not in data and "id" not in data)):
            raise_unless_error(data)
        self._note_usage(data.pop("usage", None))
        self._head = {key: value for key, value in data.items() if key != "choices"}
        choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else None
        if choice is None:
            return ()
        # Some servers send a whole message instead of a delta.
        delta = next((each for name in ("delta", "message") if isinstance(each := choice.get(name), dict)), {})
        return self._choice(choice, dict(delta))

    def whole(self, body: Any) -> Iterable[EventFrame]:
        """The frames of a completion in one piece, from a server that does not stream."""
        if not isinstance(body, dict) or not isinstance(body.get("choices"), list) or not body["choices"]:
            raise_unless_error(body)
        frames = [*self.event(None, body)]
        self.facts.is_ended = True
        return frames

    def end(self) -> Iterator[EventFrame]:
        """The frames with the calls, the finish reason and the end that the SDK waits for."""
        if self._reasoning_details:
            self.facts.details["reasoning_details"] = [each.whole() for each in self._reasoning_details]
        if self._refusal:
            # Regardless of the finish reason, which is usually "stop".
            self.facts.finish_reason, self.facts.explanation = "refusal", "".join(self._refusal)
        if calls := self._calls.as_chunks():
            yield None, self._chunk({"tool_calls": calls})
        if self._finish is not None:
            yield None, self._chunk({}, finish_reason=self._finish)
        yield None, "[DONE]"

    def _choice(self, choice: JsonObject, delta: JsonObject) -> Iterable[EventFrame]:
        reason = choice.get("finish_reason")
        if isinstance(reason, str) and reason:
            self._finish = self.facts.finish_reason = reason
            self.facts.is_ended = True
        if native := choice.get("native_finish_reason"):
            self.facts.explanation = self.facts.explanation or f"native_finish_reason {native}"
        if isinstance(choice.get("error"), dict):
            raise BodyIsError({"error": choice["error"]})
        if (pieces := delta.pop("tool_calls", None)) is not None:
            self.facts.held_back += self._calls.add(pieces)
        old_call = delta.pop("function_call", None)
        if isinstance(old_call, dict):
            self.facts.held_back += self._calls.add([{"index": 0, "function": old_call}])
        if refusal := delta.pop("refusal", None):
            self._refusal.append(str(refusal))
            self.facts.held_back.append(str(refusal))
        details = delta.pop("reasoning_details", None)
        if isinstance(details, list):
            self._keep(details)
            if not any(isinstance(delta.get(name), str) for name in ("reasoning", "reasoning_content")):
                delta["reasoning"] = "".join(map(_readable, details))
        says_something = any(delta.get(name) for name in ("content", "reasoning", "reasoning_content", "role"))
        self.facts.has_begun = self.facts.has_begun or says_something or bool(self.facts.held_back)
        if not says_something:
            return ()
        return [(None, self._chunk(delta))]

    def _keep(self, details: list[Any]) -> None:
        """Join the pieces of each detail, identified by type and index, in the form that the provider wants back."""
        for detail in details:
            if not isinstance(detail, dict):
                continue
            last = self._reasoning_details[-1] if self._reasoning_details else None
            if last is None or not last.takes(detail):
                last = _Detail()
                self._reasoning_details.append(last)
            self.facts.held_back += last.add(detail)

    def _chunk(self, delta: JsonObject, *, finish_reason: str | None = None) -> JsonObject:
        head = {"id": "chatcmpl", "object": "chat.completion.chunk", "created": 0, "model": ""} | self._head
        return {
            **head,
            "object": "chat.completion.chunk",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}],
        }

    def _note_usage(self, usage: Any) -> None:
        if not isinstance(usage, dict):
            return
        self._usage = merged(self._usage, usage)
        told = self._usage
        read, hits = count(told, "prompt_tokens_details", "cached_tokens"), count(told, "prompt_cache_hit_tokens")
        self.facts.usage = known_usage(
            input_tokens=count(told, "prompt_tokens"),
            output_tokens=count(told, "completion_tokens"),
            cache_read_tokens=read if hits is None else read or hits,
            cache_write_tokens=count(told, "prompt_tokens_details", "cache_write_tokens"),
            reasoning_tokens=count(told, "completion_tokens_details", "reasoning_tokens"),
            cost_usd=usd(told.get("cost")),
        )


class _Detail:
    """One of OpenRouter's `reasoning_details`, joined from its pieces."""

    def __init__(self) -> None:
        self._members: JsonObject = {}
        self._texts: dict[str, list[str]] = {}

    def takes(self, piece: JsonObject) -> bool:
        """True if the piece belongs to this detail."""
        ids = {each.get("id") for each in (self._members, piece)} - {None}
        is_same = all(self._members.get(key) == piece.get(key) for key in ("type", "index"))
        return is_same and len(ids) < 2

    def add(self, piece: JsonObject) -> list[str]:
        """Add a piece. Returns its texts that are not shown (data, signatures)."""
        hidden: list[str] = []
        for key, value in piece.items():
            if key in ("text", "summary", "data") and isinstance(value, str):
                self._texts.setdefault(key, []).append(value)
                hidden += [value] if key == "data" else []
            elif value is not None or key not in self._members:
                self._members[key] = value
                hidden += [value] if key == "signature" and isinstance(value, str) else []
        return hidden

    def whole(self) -> JsonObject:
        """The joined detail."""
        return {**self._members, **{key: "".join(pieces) for key, pieces in self._texts.items()}}


def _readable(detail: Any) -> str:
    """The readable text of a reasoning detail."""
    if not isinstance(detail, dict):
        return ""
    return next((detail[key] for key in ("text", "summary") if isinstance(detail.get(key), str)), "")
