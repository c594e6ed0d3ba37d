"""The input of a Responses request:
https://platform.openai.com/docs/api-reference/responses/create#responses-create-input

Ids and encrypted reasoning are checked on OpenAI's own service only: other servers use formats of their own.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.wire.outcomes import Status
from tests.wire.rules.asked import Asked, Rule, invalid
from tests.wire.rules.fields import fields
from tests.wire.rules.openai_models import is_hosted
from tests.wire.rules.openai_tools import name_fault, too_long

_FIELDS: Mapping[str, frozenset[str]] = {
    "message": fields("id type role content status phase"),
    "function_call": fields("id type call_id name arguments status namespace caller async"),
    "function_call_output": fields("id type call_id output status name namespace caller"),
    "reasoning": fields("id type summary content encrypted_content status"),
}
_PREFIXES = {"message": "msg", "function_call": "fc", "function_call_output": "fc", "reasoning": "rs"}
_TYPES = (*_FIELDS, "item_reference", "compaction", "web_search_call", "custom_tool_call", "custom_tool_call_output")
_FOLLOWS_REASONING = ("message", "function_call", "custom_tool_call", "web_search_call", "reasoning")


def _items(asked: Asked) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """Each item of the input, with its index and its type."""
    given = asked.body.get("input")
    for index, item in enumerate(given if isinstance(given, list) else ()):
        yield index, item.get("type") or "message", item


def something_is_said(asked: Asked) -> Status | None:
    """The reference: the input or a stored response must have content. The words are the API's."""
    if any(asked.body.get(name) for name in ("input", "previous_response_id", "prompt", "conversation")):
        return None
    told = "One of \"input\" or \"previous_response_id\" or 'prompt' or 'conversation_id' must be provided."
    return invalid(told, code="missing_required_parameter")


def items(asked: Asked) -> Status | None:
    """Known types and known fields only."""
    for index, kind, item in _items(asked):
        where = f"input[{index}]"
        if kind not in _TYPES:
            told = f"Invalid value: '{kind}'. Supported values are: {', '.join(repr(each) for each in _TYPES)}."
            return invalid(told, where, "invalid_value")
        for name in sorted(set(item) - _FIELDS.get(kind, frozenset(item))):
            return invalid(f"Unknown parameter: '{where}.{name}'.", f"{where}.{name}", "unknown_parameter")
        if wrong := _content(kind, item, where) or _call(kind, item, where, is_hosted=is_hosted(asked.model)):
            return wrong
    return None


def _content(kind: str, item: Mapping[str, Any], where: str) -> Status | None:
    """Text for the model is `input_…`, the model's own text `output_text` or `refusal`."""
    if kind != "message" or isinstance(item.get("content"), str):
        return None
    wanted = (
        ("output_text", "refusal") if item.get("role") == "assistant" else ("input_text", "input_image", "input_file")
    )
    if item.get("content") is None:
        told = f"Missing required parameter: '{where}.content'."
        return invalid(told, f"{where}.content", "missing_required_parameter")
    for place, part in enumerate(item["content"]):
        if part.get("type") not in wanted:
            told = f"Invalid value: '{part.get('type')}'. Supported values are: {' and '.join(map(repr, wanted))}."
            return invalid(told, f"{where}.content[{place}]", "invalid_value")
    return None


def _call(kind: str, item: Mapping[str, Any], where: str, *, is_hosted: bool) -> Status | None:
    needed = {"function_call": "arguments", "function_call_output": "output"}.get(kind)
    if needed is None:
        return None
    if item.get(needed) is None:
        told = f"Missing required parameter: '{where}.{needed}'."
        return invalid(told, f"{where}.{needed}", "missing_required_parameter")
    if kind == "function_call" and is_hosted:
        return name_fault(item.get("name"), f"{where}.name")
    return None


def ids(asked: Asked) -> Status | None:
    """https://github.com/jlcodes99/cockpit-tools/issues/2090: an id's prefix names its kind; ids are unique."""
    seen: set[str] = set()
    for index, kind, item in _items(asked):
        given = item.get("id")
        if given is None or not is_hosted(asked.model):
            continue
        where, prefix = f"input[{index}].id", _PREFIXES.get(kind, "")
        if not given.startswith(prefix):
            told = f"Invalid '{where}': '{given}'. Expected an ID that begins with '{prefix}'."
            return invalid(told, where, "invalid_value")
        if given in seen:
            return invalid(
                f"Duplicate item found with id {given}. Remove duplicate items from your input and try again."
            )
        seen.add(given)
        if wrong := too_long(given, where, 64):
            return wrong
    return None


def calls_and_results(asked: Asked) -> Status | None:
    """https://github.com/router-for-me/CLIProxyAPI/issues/2368, https://github.com/microsoft/vscode/issues/320060"""
    if asked.body.get("previous_response_id"):
        return None  # the other half may be stored
    calls: dict[str, int] = {}
    results: set[str] = set()
    for index, kind, item in _items(asked):
        call_id = str(item.get("call_id"))
        if kind == "function_call":
            calls[call_id] = index
        elif kind == "function_call_output":
            if call_id not in calls:
                return invalid(f"No tool call found for function call output with call_id {call_id}.", "input")
            results.add(call_id)
    missing = next((each for each in calls if each not in results), None)
    return invalid(f"No tool output found for function call {missing}.", "input") if missing else None


def reasoning(asked: Asked) -> Status | None:
    """Reasoning is sent back unchanged, together with the item that followed it.

    https://github.com/openai/openai-agents-js/issues/546 (nothing stored, nothing encrypted),
    https://github.com/openai/codex/issues/8145 (encrypted by another server), and
    https://github.com/continuedev/continue/issues/8933 (nothing after it).
    """
    listed = list(_items(asked))
    for index, kind, item in listed:
        if kind != "reasoning" or not is_hosted(asked.model):
            continue
        encrypted = item.get("encrypted_content")
        if encrypted is None and asked.body.get("store", True) is False:
            told = f"Item with id '{item.get('id')}' not found. Items are not persisted when `store` is set to false. "
            told += "Try again with `store` set to true, or remove this item from your input."
            return invalid(told, "input", status=404)
        if encrypted is not None and encrypted not in asked.said.signatures:
            told = f"The encrypted content {encrypted[:4]}...{encrypted[-4:]} could not be verified. Reason: Encrypted "
            return invalid(f"{told}content could not be decrypted or parsed.", code="invalid_encrypted_content")
        _, after, following = listed[index + 1] if index + 1 < len(listed) else (0, "", {})
        if after not in _FOLLOWS_REASONING or following.get("role", "assistant") != "assistant":
            told = f"Item '{item.get('id')}' of type 'reasoning' was provided without its required following item."
            return invalid(told, "input")
    return None


def led_to_by_reasoning(asked: Asked) -> Status | None:
    """https://github.com/continuedev/continue/issues/12620: an item is sent back with the reasoning before it."""
    seen: set[str] = set()
    for _, kind, item in _items(asked):
        wanted = asked.said.led_to_by.get(str(item.get("id")))
        if wanted and wanted not in seen and is_hosted(asked.model):
            told = (
                f"Item '{item['id']}' of type '{kind}' was provided without its required 'reasoning' item: '{wanted}'."
            )
            return invalid(told, "input")
        seen.add(str(item.get("id")))
    return None


RULES: tuple[Rule, ...] = (something_is_said, items, ids, reasoning, led_to_by_reasoning, calls_and_results)
