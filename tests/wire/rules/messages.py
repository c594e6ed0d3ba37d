"""Messages: what Anthropic refuses. https://platform.claude.com/docs/en/api/messages/create

The conversation is checked in `messages_content`, thinking and sampling by model in `messages_models`.
"""

import re
from collections.abc import Mapping
from typing import Any

from tests.wire.outcomes import Status
from tests.wire.rules import messages_content, messages_models
from tests.wire.rules.asked import Asked, Rule, refused
from tests.wire.rules.fields import fields
from tests.wire.rules.schemas import is_schema

_FIELDS = fields(
    "cache_control container diagnostics inference_geo max_tokens messages metadata model output_config service_tier "
    "speed stop_sequences stream system temperature thinking tool_choice tools top_k top_p user_profile_id "
    "workspace_id"
)
_BETA_FIELDS = fields("billing_policy compaction context_management fallback_credit_token fallbacks mcp_servers thread")
_TOOL_FIELDS = fields(
    "allowed_callers cache_control defer_loading description eager_input_streaming input_examples input_schema name "
    "strict type"
)
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_KEY = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
_UNSUPPORTED = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength")


def unknown_field(asked: Asked) -> Status | None:
    """https://github.com/amrit110/oli/issues/7: a body has the fields of the reference, and no others."""
    known = _FIELDS | _BETA_FIELDS if "anthropic-beta" in asked.request.headers else _FIELDS
    unknown = sorted(set(asked.body) - known)
    return refused(f"{unknown[0]}: Extra inputs are not permitted") if unknown else None


def max_tokens(asked: Asked) -> Status | None:
    """The reference: required, and at least 1."""
    wanted = asked.body.get("max_tokens")
    if wanted is None:
        return refused("max_tokens: Field required")
    return refused("max_tokens: must be greater than or equal to 1") if wanted < 1 else None


def tools(asked: Asked) -> Status | None:
    """Names, and object schemas without choices at the top level.

    https://github.com/anthropics/claude-code/issues/10687 (duplicate names), …/issues/5319 (choices at the top); the
    patterns: https://platform.claude.com/docs/en/agents-and-tools/tool-use/define-tools
    """
    names: set[str] = set()
    for index, tool in asked.tools():
        if tool.get("type", "custom") != "custom":
            continue
        if wrong := _tool_fault(tool, f"tools.{index}.custom"):
            return refused(wrong)
        if tool["name"] in names:
            return refused("tools: Tool names must be unique.")
        names.add(tool["name"])
    return None


def _tool_fault(tool: Mapping[str, Any], where: str) -> str | None:
    if unknown := sorted(set(tool) - _TOOL_FIELDS):
        return f"{where}.{unknown[0]}: Extra inputs are not permitted"
    if not _NAME.fullmatch(str(tool.get("name"))):
        return f"{where}.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'"
    schema = tool.get("input_schema")
    if not isinstance(schema, Mapping) or "type" not in schema:
        return f"{where}.input_schema.type: Field required"
    if schema["type"] != "object":
        return f"{where}.input_schema.type: Input should be 'object'"
    if any(name in schema for name in ("oneOf", "allOf", "anyOf")):
        return f"{where}.input_schema: input_schema does not support oneOf, allOf, or anyOf at the top level"
    if not all(_KEY.fullmatch(key) for key in schema.get("properties") or {}):
        return f"{where}.input_schema.properties: Property keys should match pattern '^[a-zA-Z0-9_.-]{{1,64}}$'"
    if not is_schema(schema):
        told = "JSON schema is invalid. It must match JSON Schema draft 2020-12"
        return f"{where}.input_schema: {told} (https://json-schema.org/draft/2020-12)."
    return None


def tool_choice(asked: Asked) -> Status | None:
    """https://platform.claude.com/docs/en/agents-and-tools/tool-use/define-tools#forcing-tool-use"""
    choice = (asked.body.get("tool_choice") or {}).get("type")
    if choice is None:
        return None
    if not asked.body.get("tools"):
        return refused("tool_choice: may only be specified while providing tools")
    is_forced = choice in ("any", "tool")
    if is_forced and asked.model.startswith(messages_models.NEVER_FORCED):
        return refused(f"tool_choice: type '{choice}' is not supported for this model.")
    if is_forced and (asked.body.get("thinking") or {}).get("type") == "enabled":
        return refused("Thinking may not be enabled when tool_choice forces tool use.")
    return None


def output_schema(asked: Asked) -> Status | None:
    """https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations"""
    wanted = (asked.body.get("output_config") or {}).get("format") or {}
    if wanted.get("type") != "json_schema":
        return None
    fault = _limits(wanted.get("schema"))
    return refused(f"output_config.format.schema: {fault}") if fault else None


def _limits(schema: Any) -> str | None:
    """The first part of the schema that the grammar does not support; None if there is none."""
    if isinstance(schema, list):
        return next((fault for each in schema if (fault := _limits(each))), None)
    if not isinstance(schema, Mapping):
        return None
    kind = schema.get("type")
    if kind == "object" and schema.get("additionalProperties") is not False:
        return "For 'object' type, 'additionalProperties' must be explicitly set to false"
    if isinstance(kind, str) and (name := next((each for each in _UNSUPPORTED if each in schema), None)):
        return f"For '{kind}' type, property '{name}' is not supported"
    return next((fault for key, each in schema.items() if key != "enum" and (fault := _limits(each))), None)


def cache_marks(asked: Asked) -> Status | None:
    """https://platform.claude.com/docs/en/build-with-claude/prompt-caching: four at most."""
    marks = _marks(asked.body)
    told = f"A maximum of 4 blocks with cache_control may be provided. Found {marks}."
    return refused(told) if marks > 4 else None


def _marks(value: Any) -> int:
    if isinstance(value, list):
        return sum(map(_marks, value))
    if isinstance(value, Mapping):
        own = value.get("cache_control") is not None
        return own + sum(
            _marks(each) for key, each in value.items() if key in ("system", "messages", "tools", "content")
        )
    return 0


RULES: tuple[Rule, ...] = (
    unknown_field,
    max_tokens,
    tools,
    tool_choice,
    *messages_models.RULES,
    *messages_content.RULES,
    output_schema,
    cache_marks,
)
