"""Schemas of tools and answers: what JSON Schema allows, and OpenAI's further rules."""

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import jsonschema

_NOT_STRICT = ("allOf", "oneOf", "not", "if", "then", "else", "dependentRequired", "dependentSchemas")
_NOT_AT_THE_TOP = ("oneOf", "anyOf", "allOf", "enum", "not")


def is_schema(schema: Any) -> bool:
    """True if it is a JSON Schema of draft 2020-12."""
    return isinstance(schema, Mapping) and _is_schema(json.dumps(schema, sort_keys=True))


@lru_cache(maxsize=1000)  # every request of a run brings the same tools
def _is_schema(text: str) -> bool:
    try:
        jsonschema.Draft202012Validator.check_schema(json.loads(text))
    except jsonschema.SchemaError:
        return False
    return True


def openai_fault(schema: Any, *, strict: bool) -> str | None:
    """The fault of a schema, in OpenAI's words after the name; None if the schema is accepted.

    https://platform.openai.com/docs/guides/structured-outputs#supported-schemas and
    https://github.com/lastmile-ai/openai-agents-mcp/issues/2; always required are an object's properties and an array's
    items: https://github.com/spring-projects/spring-ai/issues/4776
    """
    if not is_schema(schema):
        return "schema is not a valid JSON Schema."
    if schema.get("type") != "object":
        kind = schema.get("type")
        return f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{kind}\"'."
    if any(name in schema for name in _NOT_AT_THE_TOP):
        return "schema must have type 'object' and not have 'oneOf'/'anyOf'/'allOf'/'enum'/'not' at the top level."
    for context, each in _parts(schema, ()):
        fault = _fault(each) or (_strict_fault(each) if strict else None)
        if fault:
            return f"In context={context}, {fault}"
    return None


def _fault(schema: Mapping[str, Any]) -> str | None:
    if schema.get("type") == "object" and "properties" not in schema and "additionalProperties" not in schema:
        return "object schema missing properties."
    if schema.get("type") == "array" and "items" not in schema and "prefixItems" not in schema:
        return "array schema missing items."
    return None


def _strict_fault(schema: Mapping[str, Any]) -> str | None:
    for name in _NOT_STRICT:
        if name in schema:
            return f"'{name}' is not permitted."
    if schema.get("type") != "object":
        return None
    if schema.get("additionalProperties") is not False:
        return "'additionalProperties' is required to be supplied and to be false."
    if missing := set(schema.get("properties", {})) - set(schema.get("required", ())):
        wanted = "'required' is required to be supplied and to be an array including every key in properties."
        return f"{wanted} Missing '{min(missing)}'."
    return None


def _parts(schema: Any, context: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Mapping[str, Any]]]:
    """The schema and all schemas inside, each with its path."""
    if not isinstance(schema, Mapping):
        return
    yield context, schema
    for name in ("properties", "$defs", "definitions"):
        for key, each in (schema.get(name) or {}).items():
            yield from _parts(each, (*context, name, key))
    for name in ("items", "additionalProperties"):
        yield from _parts(schema.get(name), (*context, name))
    for name in ("anyOf", "oneOf", "allOf", "prefixItems"):
        for index, each in enumerate(schema.get(name) or ()):
            yield from _parts(each, (*context, name, str(index)))
