"""The conversation of a chat completion:
https://platform.openai.com/docs/api-reference/chat/create#chat-create-messages"""

from collections.abc import Mapping
from typing import Any

from tests.wire.outcomes import Status
from tests.wire.rules.asked import Asked, Rule, invalid
from tests.wire.rules.openai_models import is_hosted
from tests.wire.rules.openai_tools import name_fault, too_long

ROLES = ("system", "assistant", "user", "function", "tool", "developer")


def something_is_said(asked: Asked) -> Status | None:
    """At least one message."""
    messages = asked.body.get("messages")
    if not isinstance(messages, list):
        return invalid("Missing required parameter: 'messages'.", "messages", "missing_required_parameter")
    return None if messages else empty("messages")


def empty(param: str) -> Status:
    """The refusal of an empty list."""
    told = f"Invalid '{param}': empty array. Expected an array with minimum length 1, but got an empty array instead."
    return invalid(told, param, "empty_array")


def messages(asked: Asked) -> Status | None:
    """Each message has a role and a content; only a message with calls may lack the content."""
    for index, message in enumerate(asked.body["messages"]):
        if wrong := _message(message, f"messages[{index}]"):
            return wrong
    return None


def _message(message: Mapping[str, Any], where: str) -> Status | None:
    role, content, calls = message.get("role"), message.get("content"), message.get("tool_calls")
    if role not in ROLES:
        listed = ", ".join(f"'{each}'" for each in ROLES[:-1])
        told = f"Invalid value: '{role}'. Supported values are: {listed}, and '{ROLES[-1]}'."
        return invalid(told, f"{where}.role", "invalid_value")
    if calls is not None and not calls:
        return empty(f"{where}.tool_calls")
    if content is None and not (role == "assistant" and (calls or message.get("refusal") or message.get("audio"))):
        told = "Invalid value for 'content': expected a string, got null."
        return invalid(told, f"{where}.content")
    return empty(f"{where}.content") if content == [] else None


def calls_and_results(asked: Asked) -> Status | None:
    """Every call is directly followed by its result, and every result follows its call.

    https://community.openai.com/t/error-for-messages-assistant-tool-calls-id-object/626732; the words are the API's.
    """
    open_ids: list[str] = []
    for index, message in enumerate([*asked.body["messages"], {"role": "the end"}]):
        if message.get("role") == "tool":
            if message.get("tool_call_id") not in open_ids:
                told = "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with "
                return invalid(f"{told}'tool_calls'.", f"messages.[{index}].role")
            open_ids.remove(message["tool_call_id"])
            continue
        if open_ids:
            told = "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
            told += f"'tool_call_id'. The following tool_call_ids did not have response messages: {', '.join(open_ids)}"
            return invalid(told, f"messages.[{index}].role")
        open_ids = [str(call.get("id")) for call in message.get("tool_calls") or ()]
    return None


def calls(asked: Asked) -> Status | None:
    """Calls sent back: ids of at most 40 characters, arguments as text, names as for tools.

    Names are checked on OpenAI's own service only; a model may have invented one, and other servers accept it.
    https://github.com/mcp-use/mcp-use/pull/94, https://github.com/agno-agi/agno/issues/5382
    """
    for index, message in enumerate(asked.body["messages"]):
        for place, call in enumerate(message.get("tool_calls") or ()):
            where = f"messages[{index}].tool_calls[{place}]"
            if wrong := _call(call, where, is_hosted=is_hosted(asked.model)):
                return wrong
    return None


def _call(call: Mapping[str, Any], where: str, *, is_hosted: bool) -> Status | None:
    function = call.get("function") or {}
    if call.get("type") != "function":
        return invalid(f"Invalid value: '{call.get('type')}'.", f"{where}.type", "invalid_value")
    if not isinstance(function.get("arguments"), str):
        told = f"Invalid type for '{where}.function.arguments': expected a string."
        return invalid(told, f"{where}.function.arguments", "invalid_type")
    if not is_hosted:
        return None
    fault = too_long(str(call.get("id")), f"{where}.id", 40)
    return fault or name_fault(function.get("name"), f"{where}.function.name")


RULES: tuple[Rule, ...] = (something_is_said, messages, calls_and_results, calls)
