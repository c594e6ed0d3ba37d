"""The conversation in Anthropic's Messages: blocks, calls and results, and the thoughts in them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.wire.outcomes import Status
from tests.wire.rules.asked import Asked, Rule, refused
from tests.wire.rules.fields import fields
from tests.wire.rules.messages_models import NO_PREFILL
from tests.wire.rules.thoughts import blocks_of, drops_stale_blocks

_FIELDS: Mapping[str, frozenset[str]] = {
    "text": fields("type text cache_control citations"),
    "tool_use": fields("type id input name cache_control caller toolset_name"),
    "tool_result": fields("type tool_use_id content is_error cache_control toolset_name"),
    "thinking": fields("type thinking signature"),
}
_ID = re.compile(r"[a-zA-Z0-9_-]+")


def roles(asked: Asked) -> Status | None:
    """https://platform.claude.com/docs/en/api/messages/create: roles user and assistant; consecutive ones are merged.

    Some models accept instructions in between: …/build-with-claude/mid-conversation-system-messages.
    """
    messages = asked.body.get("messages")
    if not messages:
        return refused("messages: at least one message is required")
    for index, message in enumerate(messages):
        role = message.get("role")
        if role not in ("user", "assistant", "system"):
            return refused(f"messages.{index}.role: Input should be 'user' or 'assistant'")
        if role == "system" and not asked.model.startswith(NO_PREFILL):
            return refused("role 'system' is not supported on this model")
    return None


def blocks(asked: Asked) -> Status | None:
    """No empty message, no empty text, no unknown field.

    https://github.com/anthropics/claude-code/issues/23440, https://github.com/RooCodeInc/Roo-Code/issues/11429; an
    empty result is written without content.
    """
    for place, message in enumerate(asked.body["messages"]):
        content = blocks_of(message)
        is_last = place == len(asked.body["messages"]) - 1 and message["role"] == "assistant"
        if unknown := sorted(set(message) - {"role", "content"}):
            return refused(f"messages.{place}.{unknown[0]}: Extra inputs are not permitted")
        if not content and not is_last:
            told = "all messages must have non-empty content except for the optional final assistant message"
            return refused(f"messages.{place}: {told}")
        for index, block in enumerate(content):
            if wrong := _block_fault(block, f"messages.{place}.content.{index}"):
                return refused(wrong)
    return _blank("system", blocks_of({"content": asked.body.get("system")}))


def _block_fault(block: Mapping[str, Any], where: str) -> str | None:
    kind = str(block.get("type"))
    if unknown := sorted(set(block) - _FIELDS.get(kind, frozenset(block))):
        return f"{where}.{kind}.{unknown[0]}: Extra inputs are not permitted"
    if kind == "tool_use" and not isinstance(block.get("input"), Mapping):
        return f"{where}.tool_use.input: Input should be a valid dictionary"
    if kind == "tool_use" and not 1 <= len(str(block.get("name", ""))) <= 200:
        return f"{where}.tool_use.name: String should have between 1 and 200 characters"
    given = block.get({"tool_use": "id", "tool_result": "tool_use_id"}.get(kind, ""), "id")
    if not _ID.fullmatch(str(given)):
        return f"{where}.{kind}.id: String should match pattern '^[a-zA-Z0-9_-]+$'"
    texts: Sequence[Mapping[str, Any]] = [block] if kind == "text" else _inside(block, kind)
    blank = _blank("messages", texts)
    return blank.message if blank else None


def _inside(block: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    """The blocks of a result; a result whose content is a text may be empty."""
    return blocks_of(block) if kind == "tool_result" and isinstance(block.get("content"), list) else []


def _blank(where: str, content: Sequence[Mapping[str, Any]]) -> Status | None:
    for block in content:
        if block.get("type") == "text" and not str(block.get("text") or "").strip():
            is_empty = not block.get("text")
            told = "must be non-empty" if is_empty else "must contain non-whitespace text"
            return refused(f"{where}: text content blocks {told}")
    return None


def calls_and_results(asked: Asked) -> Status | None:
    """Each result once, in the message directly after its call, before any other content.

    https://github.com/anthropics/claude-code/issues/5989, https://github.com/decocms/studio/issues/1803,
    https://github.com/vectorize-io/hindsight/pull/4250, https://github.com/trycua/cua/issues/524
    """
    seen: set[str] = set()
    open_ids: list[str] = []
    for start, role, content in _turns(asked):
        if open_ids:
            leading = _leading_results(content) if role == "user" else []
            if missing := [each for each in open_ids if each not in leading]:
                told = (
                    f"messages.{start - 1}: `tool_use` ids were found without `tool_result` blocks immediately after: "
                )
                told += (
                    f"{', '.join(missing)}. Each `tool_use` block must have a corresponding `tool_result` block in the "
                )
                return refused(f"{told}next message.")
        if wrong := _unexpected(content, open_ids, start):
            return refused(wrong)
        open_ids = [str(block.get("id")) for block in content if block.get("type") == "tool_use"]
        if len({*seen, *open_ids}) < len(seen) + len(open_ids):
            return refused(f"messages.{start}: `tool_use` ids must be unique")
        seen.update(open_ids)
    return refused(_unanswered(open_ids)) if open_ids else None


def _unanswered(ids: list[str]) -> str:
    told = f"messages: `tool_use` ids were found without `tool_result` blocks immediately after: {', '.join(ids)}. "
    return f"{told}Each `tool_use` block must have a corresponding `tool_result` block in the next message."


def _turns(asked: Asked) -> Iterator[tuple[int, str, list[dict[str, Any]]]]:
    """The messages, with consecutive ones of one role merged."""
    start, role, content = 0, "", list[dict[str, Any]]()
    for index, message in enumerate(asked.body["messages"]):
        if message["role"] != role:
            if content:
                yield start, role, content
            start, role, content = index, message["role"], []
        content = content + blocks_of(message)
    yield start, role, content


def _leading_results(content: list[dict[str, Any]]) -> list[str]:
    leading: list[str] = []
    for block in content:
        if block.get("type") != "tool_result":
            break
        leading.append(str(block.get("tool_use_id")))
    return leading


def _unexpected(content: list[dict[str, Any]], open_ids: list[str], start: int) -> str | None:
    given: set[str] = set()
    for index, block in enumerate(content):
        if block.get("type") != "tool_result":
            continue
        where, call_id = f"messages.{start}.content.{index}", str(block.get("tool_use_id"))
        if call_id not in open_ids:
            told = (
                f"{where}: unexpected `tool_use_id` found in `tool_result` blocks: {call_id}. Each `tool_result` block "
            )
            return f"{told}must have a corresponding `tool_use` block in the previous message."
        if call_id in given:
            told = f"{where}: each tool_use must have a single result. Found multiple `tool_result` blocks with id: "
            return f"{told}{call_id}"
        given.add(call_id)
    return None


def last_words(asked: Asked) -> Status | None:
    """https://github.com/tailcallhq/forgecode/issues/1872: no prefilled reply from Claude 4.6 on.

    https://github.com/smallmain/vscode-unify-chat-provider/pull/250
    """
    last = asked.body["messages"][-1]
    if last["role"] != "assistant":
        return None
    if asked.model.startswith(NO_PREFILL):
        told = "This model does not support assistant message prefill. The conversation must end with a user message."
        return refused(told)
    content = blocks_of(last)
    text = str(content[-1].get("text") or "") if content else ""
    is_trailing = text != text.rstrip()
    return refused("messages: final assistant content cannot end with trailing whitespace") if is_trailing else None


def thoughts(asked: Asked) -> Status | None:
    """Thoughts are signed by this server, unchanged, and in the conversation they come from.

    https://github.com/lbjlaq/Antigravity-Manager/issues/498, https://github.com/anthropics/claude-code/issues/63284,
    https://platform.claude.com/docs/en/build-with-claude/preserved-thinking. A server that only speaks the format may
    have got signatures from another one; if it gave none at all, its thoughts must not be sent back.
    """
    for placed in asked.said.thoughts.placed(asked):
        if placed.block["type"] != "thinking":
            continue
        signature = placed.block.get("signature")
        if not signature:
            return refused(f"{placed.path}.thinking.signature: Field required")
        texts = asked.said.thoughts.texts(signature)
        if not texts and asked.model.startswith("claude-"):
            return refused(f"{placed.path}: Invalid `signature` in `thinking` block")
        if texts and placed.block.get("thinking") not in texts:
            told = f"{placed.path}: `thinking` or `redacted_thinking` blocks in the latest assistant message cannot be "
            return refused(f"{told}modified. These blocks must remain as they were in the original response.")
    stale = asked.said.thoughts.mismatched(asked)
    if not stale or drops_stale_blocks(asked):
        return None
    told = f"{stale[0].path}: Invalid `signature` in `thinking` block. The block is bound to a different conversation. "
    told += 'Remove the block, or set `thinking.block_binding.prefix_mismatch_behavior` to "drop_block".'
    return refused(told)


RULES: tuple[Rule, ...] = (roles, blocks, calls_and_results, last_words, thoughts)
