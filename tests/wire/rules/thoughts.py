"""The conversation that each of Claude's thoughts is bound to.

https://platform.claude.com/docs/en/build-with-claude/preserved-thinking: a thought is bound to its signature, and on
newer models to everything before it: `system`, `tools` and all earlier messages. `cache_control` does not count, and
consecutive messages of one role are one.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.wire.outcomes import Answer

if TYPE_CHECKING:
    from tests.wire.rules.asked import Asked

BETA = "thinking-binding-controls-2026-08-01"
BINDING_MODELS = (
    "claude-fable-5-1",
    "claude-fable-5-2",
    "claude-mythos-5-2",
    "claude-opus-5-5",
    "claude-sonnet-5-5",
    "claude-haiku-5-5",
)


@dataclass(frozen=True)
class _Thought:
    text: str
    model: str
    prefix: str
    before: str | None
    """The signature of the preceding thought, if there was one."""


@dataclass(frozen=True)
class Placed:
    """A thinking block of a request."""

    path: str
    block: Mapping[str, Any]
    prefix: str
    before: str | None


@dataclass
class Thoughts:
    """All signed thoughts, by signature; the same text may be signed twice."""

    _signed: dict[str, list[_Thought]] = field(default_factory=dict)

    def remember(self, answer: Answer, asked: "Asked") -> None:
        """Record the context of the thought in a reply to this request."""
        *placed, end = _walk(asked.body)
        before = placed[-1].block.get("signature") if placed else None
        thought = _Thought(answer.reasoning, asked.model, end.prefix, before)
        self._signed.setdefault(str(answer.signature), []).append(thought)

    def texts(self, signature: str) -> set[str]:
        """The thoughts with this signature; empty if it was never given."""
        return {each.text for each in self._signed.get(signature, ())}

    def placed(self, asked: "Asked") -> list[Placed]:
        """The thinking blocks of the request."""
        return list(_walk(asked.body))[:-1]

    def mismatched(self, asked: "Asked") -> list[Placed]:
        """The blocks whose preceding conversation has changed: the first such block, and all after it."""
        if not asked.model.startswith(BINDING_MODELS):
            return []
        placed = [each for each in self.placed(asked) if not self._is_of_another_model(each, asked.model)]
        for index, each in enumerate(placed):
            if not self._fits(each):
                return placed[index:]
        return []

    def dropped(self, asked: "Asked") -> tuple[dict[str, str], ...]:
        """The thoughts Anthropic reports as left out: those of other models always, changed ones if the request asks
        for it."""
        foreign = [each for each in self.placed(asked) if self._is_of_another_model(each, asked.model)]
        stale = self.mismatched(asked) if drops_stale_blocks(asked) else []
        return (
            *({"type": "thinking_dropped", "path": e.path, "reason": "model_binding_mismatch"} for e in foreign),
            *({"type": "thinking_dropped", "path": e.path, "reason": "prefix_binding_mismatch"} for e in stale),
        )

    def _is_of_another_model(self, placed: Placed, model: str) -> bool:
        given = self._signed.get(str(placed.block.get("signature")), ())
        return bool(given) and all(each.model != model for each in given)

    def _fits(self, placed: Placed) -> bool:
        given = self._signed.get(str(placed.block.get("signature")), ())
        # Thoughts may be left out from the start on, but not between others.
        return any(each.prefix == placed.prefix and placed.before in (None, each.before) for each in given)


def drops_stale_blocks(asked: "Asked") -> bool:
    """True if the request asks to drop stale thoughts instead of a refusal."""
    binding = (asked.body.get("thinking") or {}).get("block_binding") or {}
    return bool(binding.get("prefix_mismatch_behavior") == "drop_block")


def blocks_of(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The content of a message as blocks."""
    content = message.get("content")
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content or ())


def _walk(body: Mapping[str, Any]) -> Iterator[Placed]:
    """Every thinking block with the conversation before it; last, the end of the conversation."""
    seen = hashlib.sha256(_text([blocks_of({"content": body.get("system")}), body.get("tools")]))
    before: str | None = None
    for place, message in enumerate(body.get("messages") or ()):
        for index, block in enumerate(blocks_of(message)):
            if block.get("type") in ("thinking", "redacted_thinking"):
                yield Placed(f"messages.{place}.content.{index}", block, seen.hexdigest(), before)
                before = block.get("signature")
            else:
                seen.update(_text([message.get("role"), block]))
    yield Placed("", {}, seen.hexdigest(), before)


def _text(value: Any) -> bytes:
    return json.dumps(_without_cache_marks(value), sort_keys=True).encode()


def _without_cache_marks(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_cache_marks(each) for key, each in value.items() if key != "cache_control"}
    return [_without_cache_marks(each) for each in value] if isinstance(value, list) else value
