"""Streams of OpenAI's Responses format, from OpenAI and servers that implement Open Responses."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, Final

from runs.agent.json_data.json_types import JsonObject
from runs.agent.providers.event_streams.exchange import BodyIsError, EventFrame, ReplyFacts, raise_unless_error
from runs.agent.providers.event_streams.usage_counts import count, known_usage, merged, usd

_LAST: Final = ("response.completed", "response.incomplete", "response.failed")


class ResponseStream:
    """A normaliser of the stream: events pass; items found only in the last event, or in a reply in one piece, become
    events too."""

    def __init__(self) -> None:
        self.facts = ReplyFacts()
        self._usage: JsonObject = {}
        self._ids: dict[Any, str] = {}
        """The first id of each item that had events, by its index in the output."""
        self._told: Counter[str] = Counter()
        """The number of those items by type."""
        self._refusal: list[str] = []

    def event(self, name: str | None, data: Any) -> Iterable[EventFrame]:
        """The frame of an event; before the last one the frames of items without events."""
        if not isinstance(data, dict):
            raise_unless_error(data)
        kind = str(data.get("type") or name or "")
        if kind == "error" or (not kind and data.get("error")):
            raise BodyIsError({"error": data["error"]} if isinstance(data.get("error"), dict) else {"error": data})
        if not kind.startswith("response."):
            return ()  # keep-alives, and events outside of the format
        self.facts.has_begun = True
        if kind == "response.refusal.delta":
            self._refusal.append(str(data.get("delta") or ""))
            self.facts.held_back.append(self._refusal[-1])
        if kind in _LAST:
            return self._last(kind, data.get("response"))
        return [(kind, {"sequence_number": 0, **self._with_first_id(data), "type": kind})]

    def _with_first_id(self, data: JsonObject) -> JsonObject:
        """The event with the first id of its item: some servers send another id in each event, or none."""
        item, place = data.get("item"), data.get("output_index")
        of_item = item.get("id") if isinstance(item, dict) else data.get("item_id")
        if not isinstance(item, dict) and "item_id" not in data:
            return data
        key = place if isinstance(place, int) else of_item
        if key not in self._ids:
            self._ids[key] = str(of_item or f"item_{key}")
            self._told[str(item.get("type")) if isinstance(item, dict) else _type_of(str(data.get("type")))] += 1
        if isinstance(item, dict):
            return {**data, "item": {**item, "id": self._ids[key]}}
        return {**data, "item_id": self._ids[key]}

    def whole(self, body: Any) -> Iterable[EventFrame]:
        """The frames of a response in one piece, from a server that does not stream."""
        if not isinstance(body, dict) or not isinstance(body.get("output"), list):
            raise_unless_error(body)
        status = str(body.get("status") or "completed")
        return self._last(f"response.{status}", body)

    def end(self) -> Iterable[EventFrame]:
        """No frames: nothing is held back."""
        return ()

    def _last(self, kind: str, response: Any) -> Iterator[EventFrame]:
        response = response if isinstance(response, dict) else {}
        self._note_usage(response.get("usage"))
        if kind == "response.failed":
            raise BodyIsError({"error": response.get("error") or {"message": "The response failed."}})
        self.facts.is_over = True
        details = response.get("incomplete_details")
        reason = details.get("reason") if isinstance(details, dict) else None
        self.facts.finish_reason = str(reason or response.get("status") or kind.removeprefix("response."))
        self.facts.is_ended = True
        output = response.get("output")
        items = [item for item in output if isinstance(item, dict)] if isinstance(output, list) else []
        known = Counter(self._told)
        for index, item in enumerate(items):
            if known[str(item.get("type"))] > 0:
                known[str(item.get("type"))] -= 1  # matched by type and order: the id may differ
            else:
                yield from _item_events({**item, "id": str(item.get("id") or f"item_{index}")}, index)
        refusal = "".join(self._refusal) or _refusal_in(items)
        if refusal:
            self.facts.finish_reason, self.facts.explanation = "refusal", refusal
        told = {"object": "response", "created_at": 0, "model": "", "output": [], "tools": [], **response}
        # `response.completed` also for a reply that was cut off: its text counts, and the reason is noted.
        yield "response.completed", {"type": "response.completed", "sequence_number": 0, "response": told}

    def _note_usage(self, usage: Any) -> None:
        if not isinstance(usage, dict):
            return
        told = self._usage = merged(self._usage, usage)
        self.facts.usage = known_usage(
            input_tokens=count(told, "input_tokens"),
            output_tokens=count(told, "output_tokens"),
            cache_read_tokens=count(told, "input_tokens_details", "cached_tokens"),
            cache_write_tokens=count(told, "input_tokens_details", "cache_write_tokens"),
            reasoning_tokens=count(told, "output_tokens_details", "reasoning_tokens"),
            cost_usd=usd(told.get("cost")),
        )


def _type_of(kind: str) -> str:
    """The type of an item without an `added` event, from the kind of an event about a part of it."""
    if kind.startswith("response.function_call"):
        return "function_call"
    return "reasoning" if kind.startswith("response.reasoning") else "message"


def _item_events(item: JsonObject, index: int) -> Iterator[EventFrame]:
    """The events that a streaming server would have sent for a finished item."""
    about = {"sequence_number": 0, "output_index": index, "item_id": item["id"]}
    empty: dict[str, JsonObject] = {
        "message": {"content": []},
        "function_call": {"arguments": ""},
        "reasoning": {"summary": []},
    }
    started = {**item, **empty.get(str(item.get("type")), {})}
    yield "response.output_item.added", {"type": "response.output_item.added", **about, "item": started}
    if item.get("type") == "message":
        for place, part in enumerate(item.get("content") or ()):
            if isinstance(part, dict) and part.get("text"):
                delta = {"type": "response.output_text.delta", "content_index": place, "delta": part["text"]}
                yield "response.output_text.delta", {**about, **delta, "logprobs": []}
                done = {"type": "response.output_text.done", "content_index": place, "text": part["text"]}
                yield "response.output_text.done", {**about, **done, "logprobs": []}
    if item.get("type") == "reasoning":
        for place, part in enumerate(item.get("summary") or ()):
            if isinstance(part, dict) and part.get("text"):
                delta = {"type": "response.reasoning_summary_text.delta", "summary_index": place, "delta": part["text"]}
                yield "response.reasoning_summary_text.delta", {**about, **delta}
    if item.get("type") == "function_call":
        text = item.get("arguments") or ""
        done = {"type": "response.function_call_arguments.done", "arguments": text, "name": item.get("name")}
        yield "response.function_call_arguments.done", {**about, **done}
    yield "response.output_item.done", {"type": "response.output_item.done", **about, "item": item}


def _refusal_in(items: list[JsonObject]) -> str:
    parts = [part for item in items for part in item.get("content") or () if isinstance(part, dict)]
    return "".join(str(part["refusal"]) for part in parts if part.get("refusal"))
