"""Google's generateContent: what the Gemini API refuses. https://ai.google.dev/api/generate-content

Its JSON is that of protocol buffers: names may be in camelCase or snake_case, and every unknown name is refused.
The turns of a conversation are checked in `gemini_turns`.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.wire.outcomes import Status
from tests.wire.rules import gemini_turns
from tests.wire.rules.asked import Asked, Rule, refused
from tests.wire.rules.fields import fields
from tests.wire.rules.gemini_turns import camel
from tests.wire.rules.schemas import is_schema
from tests.wire.rules.signatures import GEMINI_3

_KNOWN: Mapping[str, frozenset[str]] = {
    "": fields(
        "contents tools toolConfig safetySettings systemInstruction generationConfig cachedContent serviceTier store "
        "labels model"
    ),
    "generation_config": fields(
        "audioTimestamp candidateCount enableAffectiveDialog enableEnhancedCivicAnswers frequencyPenalty imageConfig "
        "logprobs maxOutputTokens mediaResolution presencePenalty responseFormat responseJsonSchema responseLogprobs "
        "responseMimeType responseModalities responseSchema seed speechConfig stopSequences temperature thinkingConfig "
        "topK topP translationConfig audioTranscriptionConfig"
    ),
    "generation_config.thinking_config": fields("includeThoughts thinkingBudget thinkingLevel"),
    "part": fields(
        "text thought thoughtSignature inlineData fileData functionCall functionResponse executableCode partMetadata "
        "codeExecutionResult mediaResolution videoMetadata toolCall toolResponse mediaProcessing speechMetadata"
    ),
    "function_call": fields("id name args partialArgs willContinue"),
    "function_response": fields("id name response willContinue scheduling parts"),
    "declaration": fields("name description parameters parametersJsonSchema response responseJsonSchema behavior"),
    "content": fields("role parts"),
    "schema": fields(
        "type format title description nullable enum maxItems minItems properties required minProperties maxProperties "
        "minLength maxLength pattern example anyOf propertyOrdering default items minimum maximum "
        "additionalProperties defs ref"
    ),
}
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}")
_NO_MINIMAL = re.compile(r"gemini-3(\.1)?-pro|gemini-3\.7-flash")


def unknown_field(asked: Asked) -> Status | None:
    """https://github.com/zed-extensions/mcp-server-brave-search/issues/12"""
    for kind, value, where in _objects(asked.body):
        unknown = sorted(name for name in value if camel(name).lstrip("$") not in _KNOWN[kind])
        if unknown:
            at = f" at '{where}'" if where else ""
            told = f'Invalid JSON payload received. Unknown name "{unknown[0]}"{at}: Cannot find field.'
            return refused(told)
    return None


def _objects(body: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any], str]]:
    """Every object of the request with known fields: its kind, the object, its path."""
    yield "", body, ""
    config = _field(body, "generationConfig") or {}
    yield "generation_config", config, "generation_config"
    thinking = "generation_config.thinking_config"
    yield thinking, _field(config, "thinkingConfig") or {}, thinking
    for index, content in enumerate(body.get("contents") or ()):
        yield "content", content, f"contents[{index}]"
        for place, part in enumerate(content.get("parts") or ()):
            where = f"contents[{index}].parts[{place}]"
            yield "part", part, where
            yield "function_call", _field(part, "functionCall") or {}, f"{where}.function_call"
            yield "function_response", _field(part, "functionResponse") or {}, f"{where}.function_response"
    for where, declaration in _declarations(body):
        yield "declaration", declaration, where
        yield from _schemas(declaration.get("parameters"), f"{where}.parameters")


def _schemas(schema: Any, where: str) -> Iterator[tuple[str, Mapping[str, Any], str]]:
    """A schema in the API's own form, and the schemas inside."""
    if not isinstance(schema, Mapping):
        return
    yield "schema", schema, where
    for index, each in enumerate((schema.get("properties") or {}).values()):
        yield from _schemas(each, f"{where}.properties[{index}].value")
    yield from _schemas(schema.get("items"), f"{where}.items")
    for index, each in enumerate(_field(schema, "anyOf") or ()):
        yield from _schemas(each, f"{where}.any_of[{index}]")


def _field(value: Mapping[str, Any], name: str) -> Any:
    """The field, written in camelCase or snake_case."""
    return next((value[each] for each in value if camel(each) == name), None)


def _declarations(body: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for index, tool in enumerate(body.get("tools") or ()):
        for place, each in enumerate(_field(tool, "functionDeclarations") or ()):
            yield f"tools[{index}].function_declarations[{place}]", each


def declarations(asked: Asked) -> Status | None:
    """Names and schemas of functions.

    https://github.com/kaitranntt/ccs/issues/25 (names, of 128 characters today), and the documentation of
    `parametersJsonSchema`: it excludes `parameters`. Names are unique, as a call could not be assigned otherwise.
    """
    names: set[str] = set()
    for where, declaration in _declarations(asked.body):
        name, schema = str(declaration.get("name")), _field(declaration, "parametersJsonSchema")
        if not _NAME.fullmatch(name):
            told = (
                "Invalid function name. Must start with a letter or an underscore. Must be a-z, A-Z, 0-9, or contain "
            )
            told += "underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of 128."
            return refused(f"The GenerateContentRequest proto is invalid:\n  * {where}.name: [FIELD_INVALID] {told}")
        if name in names:
            return refused(f"Duplicate function declaration found: {name}")
        names.add(name)
        if schema is None:
            continue
        if "parameters" in declaration:
            return refused(f"* {where}: parameters and parameters_json_schema must not both be set.")
        if not is_schema(schema) or schema.get("type") != "object":
            return refused(f"* {where}.parameters_json_schema: must be a valid JSON Schema of an object.")
    return None


def thinking(asked: Asked) -> Status | None:
    """One setting for thinking: a level from Gemini 3 on, a budget before.

    https://github.com/sterlp/eclipse-peon-ai/issues/115, https://github.com/QwenLM/qwen-code/pull/9094,
    https://github.com/maximhq/bifrost/pull/6280
    """
    config = _field(_field(asked.body, "generationConfig") or {}, "thinkingConfig") or {}
    level, budget = _field(config, "thinkingLevel"), _field(config, "thinkingBudget")
    if level is not None and budget is not None:
        return refused("You can only set only one of thinking budget and thinking level.")
    if level is not None and asked.model.startswith("gemini-") and not GEMINI_3.match(asked.model):
        return refused("thinking_level is not supported by this model")
    if str(level).upper() == "MINIMAL" and _NO_MINIMAL.match(asked.model):
        return refused("Thinking level MINIMAL is not supported for this model.")
    return None


def answer_schema(asked: Asked) -> Status | None:
    """https://ai.google.dev/gemini-api/docs/structured-output: JSON only; before Gemini 3 not beside functions."""
    config = _field(asked.body, "generationConfig") or {}
    schema = _field(config, "responseJsonSchema") or _field(config, "responseSchema")
    if schema is None:
        return None
    if _field(config, "responseMimeType") != "application/json":
        return refused("Response schema is only supported with response mime type 'application/json'.")
    if any(_declarations(asked.body)) and asked.model.startswith("gemini-") and not GEMINI_3.match(asked.model):
        return refused("Function calling with a response mime type: 'application/json' is unsupported")
    return None


RULES: tuple[Rule, ...] = (unknown_field, declarations, thinking, answer_schema, *gemini_turns.RULES)
