"""Responses: https://platform.openai.com/docs/api-reference/responses/create; see `responses_input` for its input."""

from typing import Any

from tests.wire.formats.responses_items import ENCRYPTED
from tests.wire.outcomes import Status
from tests.wire.rules import responses_input
from tests.wire.rules.asked import Asked, Rule, invalid
from tests.wire.rules.chat import unsupported_effort
from tests.wire.rules.fields import fields
from tests.wire.rules.openai_models import default_effort, efforts, is_hosted, reasons
from tests.wire.rules.openai_tools import answer_schema, tool_list

_FIELDS = fields(
    "access_programs background background_options context_management conversation image include input instructions "
    "max_output_tokens max_tool_calls metadata model moderation parallel_tool_calls previous_response_id prompt "
    "prompt_cache_key prompt_cache_options prompt_cache_retention reasoning safety_identifier service_tier store "
    "stream stream_options temperature text tool_choice tools top_logprobs top_p truncation user"
)
_MOVED = {
    "max_tokens": "max_output_tokens",
    "max_completion_tokens": "max_output_tokens",
    "messages": "input",
    "reasoning_effort": "reasoning.effort",
    "response_format": "text.format",
}
_MIN_OUTPUT_TOKENS = 16


def unknown_field(asked: Asked) -> Status | None:
    """Unknown fields are refused; for a field that has another name here, the refusal names it, in the API's words."""
    for name in sorted(set(asked.body) - _FIELDS):
        if name in _MOVED:
            told = f"Unsupported parameter: '{name}'. In the Responses API, this parameter has moved to "
            told += f"'{_MOVED[name]}'. Try again with the new parameter."
            return invalid(told, name, "unsupported_parameter")
        return invalid(f"Unknown parameter: '{name}'.", name, "unknown_parameter")
    return None


def previous_response(asked: Asked) -> Status | None:
    """https://platform.openai.com/docs/guides/conversation-state: only a stored response can be continued."""
    previous = asked.body.get("previous_response_id")
    if previous is None or previous in asked.said.responses:
        return None
    told = f"Previous response with id '{previous}' not found."
    return invalid(told, "previous_response_id", "previous_response_not_found")


def max_output_tokens(asked: Asked) -> Status | None:
    """https://github.com/earendil-works/pi/issues/6265: at least 16."""
    wanted = asked.body.get("max_output_tokens")
    if wanted is None or wanted >= _MIN_OUTPUT_TOKENS:
        return None
    told = f"Invalid 'max_output_tokens': integer below minimum value. Expected a value >= {_MIN_OUTPUT_TOKENS}, "
    return invalid(f"{told}but got {wanted} instead.", "max_output_tokens", "integer_below_min_value")


def tools(asked: Asked) -> Status | None:
    """As in chat completions, but with a function's name and schema in the tool itself."""
    return tool_list(asked, lambda tool: tool, "")


def choice_without_tools(asked: Asked) -> Status | None:
    """https://platform.openai.com/docs/api-reference/responses/create: `tool_choice` needs tools."""
    if asked.body.get("tools") or asked.body.get("tool_choice") in (None, "auto", "none"):
        return None
    return invalid("Tool choice is only allowed when 'tools' are specified.", "tool_choice")


def effort(asked: Asked) -> Status | None:
    """https://github.com/pydantic/pydantic-ai/issues/7081: each model supports some efforts only, others none at
    all."""
    wanted = (asked.body.get("reasoning") or {}).get("effort")
    if not is_hosted(asked.model) or wanted is None:
        return None
    if not reasons(asked.model):
        return _unsupported("reasoning.effort")
    known = list(efforts(asked.model))
    return None if wanted in known else unsupported_effort(asked.model, wanted, known, "reasoning.effort")


def encrypted_reasoning(asked: Asked) -> Status | None:
    """https://github.com/vercel/ai/pull/9412: only reasoning models have reasoning to encrypt."""
    if ENCRYPTED not in (asked.body.get("include") or ()) or not is_hosted(asked.model) or reasons(asked.model):
        return None
    return invalid("Encrypted content is not supported with this model.", "include")


def sampling(asked: Asked) -> Status | None:
    """https://developers.openai.com/api/docs/guides/reasoning: reasoning models accept no sampling."""
    wanted = (asked.body.get("reasoning") or {}).get("effort") or default_effort(asked.model)
    if not reasons(asked.model) or wanted == "none":
        return None
    given = (name for name in ("temperature", "top_p", "top_logprobs") if asked.body.get(name) is not None)
    name = next(given, None)
    return _unsupported(name) if name else None


def _unsupported(name: str) -> Status:
    told = f"Unsupported parameter: '{name}' is not supported with this model."
    return invalid(told, name, "unsupported_parameter")


def answer_format(asked: Asked) -> Status | None:
    """https://platform.openai.com/docs/guides/structured-outputs: the schema of an answer."""
    wanted: dict[str, Any] = (asked.body.get("text") or {}).get("format") or {}
    return answer_schema(wanted, "text.format") if wanted.get("type") == "json_schema" else None


RULES: tuple[Rule, ...] = (
    unknown_field,
    previous_response,
    *responses_input.RULES,
    max_output_tokens,
    tools,
    choice_without_tools,
    effort,
    encrypted_reasoning,
    sampling,
    answer_format,
)
