"""The output items of the Responses format: reasoning, message, function call; whole, and as they grow in a stream."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.wire.outcomes import Answer

ENCRYPTED = "reasoning.encrypted_content"
"""The `include` value for reasoning that can be sent back although nothing is stored."""

_HAS_PHASES = re.compile(r"gpt-(5\.3-codex|5\.[4-9]|[6-9])")
"""https://developers.openai.com/api/docs/guides/reasoning: `phase` from gpt-5.3-codex on."""


@dataclass(frozen=True)
class Item:
    """One item of the output."""

    done: dict[str, Any]
    """The whole item."""
    begun: dict[str, Any]
    """The item as added, without its text, arguments or summary."""
    growth: list[dict[str, Any]] = field(default_factory=list)
    """The events between, without the item's index in the output."""

    def events(self, place: int) -> Iterator[dict[str, Any]]:
        """All events of the item, from `added` to `done`."""
        yield {"type": "response.output_item.added", "output_index": place, "item": self.begun}
        for event in self.growth:
            yield {**event, "item_id": self.done["id"], "output_index": place}
        yield {"type": "response.output_item.done", "output_index": place, "item": self.done}


def items_of(answer: Answer, body: Mapping[str, Any]) -> Iterator[Item]:
    """The output items of a reply, in the order in which a model produces them."""
    if answer.reasoning or answer.signature:
        yield _reasoning(answer, is_encrypted=ENCRYPTED in (body.get("include") or ()))
    if answer.text:
        has_phase = bool(_HAS_PHASES.match(str(body.get("model"))))
        yield _refusal(answer) if answer.finish_reason == "refusal" else _message(answer, has_phase=has_phase)
    for index in range(len(answer.calls)):
        yield _call(answer, index)


def _reasoning(answer: Answer, *, is_encrypted: bool) -> Item:
    summary = [{"type": "summary_text", "text": answer.reasoning}] if answer.reasoning else []
    whole: dict[str, Any] = {"id": f"rs_wire{answer.number}", "type": "reasoning", "summary": summary}
    if is_encrypted:
        whole["encrypted_content"] = answer.signature or None
    if not answer.reasoning:
        return Item(whole, whole)
    kind, place = "response.reasoning_summary", {"summary_index": 0}
    empty = {"type": "summary_text", "text": ""}
    growth = [
        {"type": f"{kind}_part.added", **place, "part": empty},
        *[{"type": f"{kind}_text.delta", **place, "delta": word} for word in answer.words(answer.reasoning)],
        {"type": f"{kind}_text.done", **place, "text": answer.reasoning},
        {"type": f"{kind}_part.done", **place, "part": summary[0]},
    ]
    return Item(whole, {**whole, "summary": []}, growth)


def _message(answer: Answer, *, has_phase: bool) -> Item:
    part = {"type": "output_text", "text": answer.text, "annotations": [], "logprobs": []}
    phase = {"phase": "commentary" if answer.calls else "final_answer"} if has_phase else {}
    kind, more = "response.output_text", {"content_index": 0, "logprobs": []}
    growth = [
        *[{"type": f"{kind}.delta", **more, "delta": word} for word in answer.words(answer.text)],
        {"type": f"{kind}.done", **more, "text": answer.text},
    ]
    return _with_content(answer, part, {**part, "text": ""}, growth, **phase)


def _refusal(answer: Answer) -> Item:
    part = {"type": "refusal", "refusal": answer.text}
    kind, place = "response.refusal", {"content_index": 0}
    growth = [
        *[{"type": f"{kind}.delta", **place, "delta": word} for word in answer.words(answer.text)],
        {"type": f"{kind}.done", **place, "refusal": answer.text},
    ]
    return _with_content(answer, part, {**part, "refusal": ""}, growth)


def _with_content(
    answer: Answer, part: dict[str, Any], empty: dict[str, Any], growth: list[dict[str, Any]], **more: Any
) -> Item:
    item_id = f"msg_wire{answer.number}"
    whole = {
        "id": item_id,
        "type": "message",
        "role": "assistant",
        "content": [part],
        "status": _status(answer),
        **more,
    }
    first = {"type": "response.content_part.added", "content_index": 0, "part": empty}
    last = {"type": "response.content_part.done", "content_index": 0, "part": part}
    return Item(whole, {**whole, "content": [], "status": "in_progress"}, [first, *growth, last])


def _call(answer: Answer, index: int) -> Item:
    arguments = answer.arguments_text(index)
    whole = {
        "id": f"fc_wire{answer.number}_{index}",
        "type": "function_call",
        "call_id": answer.id_of(index),
        "name": answer.calls[index][0],
        "arguments": arguments,
        "status": _status(answer),
    }
    kind = "response.function_call_arguments"
    pieces = [arguments[start : start + 7] for start in range(0, len(arguments), 7)]
    growth: list[dict[str, Any]] = [{"type": f"{kind}.delta", "delta": piece} for piece in pieces]
    growth.append({"type": f"{kind}.done", "name": whole["name"], "arguments": arguments})
    return Item(whole, {**whole, "arguments": "", "status": "in_progress"}, growth)


def _status(answer: Answer) -> str:
    return "incomplete" if answer.finish_reason in ("length", "content_filter") else "completed"
