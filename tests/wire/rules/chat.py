"""Chat completions: refusals of OpenAI and of compatible servers.

https://platform.openai.com/docs/api-reference/chat/create. Rules on the conversation are in `chat_messages`.
"""

from typing import Any

from tests.wire.outcomes import Status
from tests.wire.rules import chat_dialects, chat_messages
from tests.wire.rules.asked import Asked, Rule, invalid
from tests.wire.rules.fields import fields
from tests.wire.rules.openai_models import default_effort, efforts, is_hosted, reasons, takes_tools_in_chat
from tests.wire.rules.openai_tools import answer_schema, tool_list

_FIELDS = fields(
    "audio frequency_penalty function_call functions logit_bias logprobs max_completion_tokens max_tokens messages "
    "metadata modalities model moderation n parallel_tool_calls prediction presence_penalty prompt_cache_key "
    "prompt_cache_options prompt_cache_retention reasoning_effort response_format safety_identifier seed service_tier "
    "stop store stream stream_options temperature tool_choice tools top_logprobs top_p user verbosity "
    "web_search_options"
)
_SAMPLING: tuple[tuple[str, Any], ...] = (
    ("temperature", 1),
    ("top_p", 1),
    ("presence_penalty", 0),
    ("frequency_penalty", 0),
    ("logprobs", False),
    ("top_logprobs", None),
    ("logit_bias", None),
)


def _effort(asked: Asked) -> str:
    return str(asked.body.get("reasoning_effort") or default_effort(asked.model))


def unknown_field(asked: Asked) -> Status | None:
    """Unknown fields: OpenAI refuses them, most other servers ignore them.

    The fields are those of the reference, the words the API's; for other servers: `WireServer(strict=True)`.
    """
    if not is_hosted(asked.model) and asked.dialect.unknown_fields:
        return None
    unknown = sorted(set(asked.body) - _FIELDS)
    return invalid(f"Unknown parameter: '{unknown[0]}'.", unknown[0], "unknown_parameter") if unknown else None


def tools_beside_reasoning(asked: Asked) -> Status | None:
    """https://github.com/GoogleChromeLabs/webmcp-tools/issues/417: no reasoning beside tools here from GPT-5.6 on.

    Without an effort too, as these models reason by default: https://github.com/BerriAI/litellm/pull/34569.
    """
    if not asked.body.get("tools") or takes_tools_in_chat(asked.model, _effort(asked)):
        return None
    told = f"Function tools with reasoning_effort are not supported for {asked.model} in /v1/chat/completions. "
    return invalid(
        f"{told}To use function tools, use /v1/responses or set reasoning_effort to 'none'.", "reasoning_effort"
    )


def effort(asked: Asked) -> Status | None:
    """https://github.com/openai/openai-agents-python/issues/2089: each model supports some efforts only.

    `max` is for Responses alone: https://github.com/pydantic/pydantic-ai/issues/7081.
    """
    wanted = asked.body.get("reasoning_effort")
    if wanted is None or not is_hosted(asked.model):
        return None
    if not reasons(asked.model):
        told = "Unrecognized request argument supplied: reasoning_effort"
        return invalid(told, "reasoning_effort")
    known = [each for each in efforts(asked.model) if each != "max"]
    return None if wanted in known else unsupported_effort(asked.model, wanted, known, "reasoning_effort")


def unsupported_effort(model: str, wanted: Any, known: list[str], param: str) -> Status:
    """The refusal of an effort that the model does not support."""
    *others, last = [f"'{each}'" for each in known]
    listed = f"{', '.join(others)}, and {last}" if others else last
    told = f"Unsupported value: '{wanted}' is not supported with the '{model}' model. Supported values are: {listed}."
    return invalid(told, param, "unsupported_value")


def sampling(asked: Asked) -> Status | None:
    """https://github.com/khoj-ai/khoj/issues/1377: a reasoning model accepts the default sampling only."""
    if not reasons(asked.model) or _effort(asked) == "none":
        return None
    for name, default in _SAMPLING:
        value = asked.body.get(name, default)
        if value == default:
            continue
        if name == "temperature":
            told = f"Unsupported value: 'temperature' does not support {value} with this model. "
            return invalid(f"{told}Only the default (1) value is supported.", name, "unsupported_value")
        told = f"Unsupported parameter: '{name}' is not supported with this model."
        return invalid(told, name, "unsupported_parameter")
    return None


def max_tokens(asked: Asked) -> Status | None:
    """https://platform.openai.com/docs/api-reference/chat/create: reasoning models refuse `max_tokens`."""
    if not reasons(asked.model) or asked.body.get("max_tokens") is None:
        return None
    told = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    return invalid(told, "max_tokens", "unsupported_parameter")


def stream_options(asked: Asked) -> Status | None:
    """The documentation of `stream_options`: only set this when you set `stream: true`."""
    if asked.body.get("stream_options") is None or asked.body.get("stream"):
        return None
    return invalid("The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options")


def choice_without_tools(asked: Asked) -> Status | None:
    """https://github.com/openai/swarm/issues/30: no `tool_choice` or similar without tools."""
    for name in ("tool_choice", "parallel_tool_calls"):
        if asked.body.get(name) is not None and not asked.body.get("tools"):
            return invalid(f"Invalid value for '{name}': '{name}' is only allowed when 'tools' are specified.", name)
    return None


def tools(asked: Asked) -> Status | None:
    """Names, schemas and, where `strict` is requested, the schema's strictness."""
    return tool_list(asked, lambda tool: tool.get("function") or {}, "function.")


def response_format(asked: Asked) -> Status | None:
    """https://platform.openai.com/docs/guides/structured-outputs: the schema of an answer, and the word JSON."""
    wanted = asked.body.get("response_format") or {}
    if wanted.get("type") == "json_schema":
        return answer_schema(wanted.get("json_schema") or {}, "response_format")
    if wanted.get("type") == "json_object" and "json" not in str(asked.body.get("messages")).lower():
        told = "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'."
        return invalid(told, "messages")
    return None


RULES: tuple[Rule, ...] = (
    *chat_dialects.RULES,
    unknown_field,
    *chat_messages.RULES,
    tools,
    tools_beside_reasoning,
    choice_without_tools,
    effort,
    sampling,
    max_tokens,
    stream_options,
    response_format,
)
