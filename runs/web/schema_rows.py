"""The arguments of a tool as rows of a table, from its JSON Schema."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext, gettext_lazy

from runs.agent.json_data.json_types import JsonObject
from runs.agent.visible_text import exact
from runs.live.rendering.schema_words import bounds_words, choices_in, resolved
from runs.markdown import visible

MOST_DEPTH: Final = 4
"""Levels of types in types that are told: a list of lists of texts has three."""
MOST_CHOICES: Final = 12
"""Values of a choice that are told."""
_TYPES: Final = {
    "string": gettext_lazy("text"),
    "integer": gettext_lazy("whole number"),
    "number": gettext_lazy("number"),
    "boolean": gettext_lazy("yes or no"),
    "array": gettext_lazy("list"),
    "object": gettext_lazy("object"),
    "null": gettext_lazy("nothing"),
}


@dataclass(frozen=True, slots=True)
class SchemaRow:
    """One argument."""

    name: str
    type_words: str
    is_required: bool
    default: str
    """As JSON; empty without one."""
    about: str
    """Its description; may be empty."""
    bounds: str
    """What else its values must fit; may be empty."""


def schema_rows(schema: JsonObject) -> list[SchemaRow]:
    """The arguments that the schema of a tool describes, in its order."""
    properties, required = schema.get("properties"), schema.get("required")
    if not isinstance(properties, dict):
        return []
    names = set(required) if isinstance(required, list) else set()
    return [_row(str(name), each, schema, is_required=name in names) for name, each in properties.items()]


def _row(name: str, argument: Any, schema: JsonObject, *, is_required: bool) -> SchemaRow:
    found = argument if isinstance(argument, dict) else {}
    inner = resolved(found, schema)
    default = "" if "default" not in found or found["default"] is None else json.dumps(found["default"])
    about = found.get("description") or inner.get("description") or ""
    return SchemaRow(
        exact(name),
        _type_words(found, schema, MOST_DEPTH),
        is_required,
        visible(default),
        visible(str(about)),
        visible(bounds_words(inner)),
    )


def _type_words(found: Any, schema: JsonObject, depth: int) -> str:
    """`text`, `list of numbers` as "list: number", or the values of a choice."""
    found = resolved(found, schema)
    if depth < 1:
        return "…"
    if choices := choices_in(found):
        told = " | ".join(json.dumps(each, ensure_ascii=False) for each, _title in choices[:MOST_CHOICES])
        return visible(f"{told} | …" if len(choices) > MOST_CHOICES else told)
    for several in ("anyOf", "oneOf"):
        if isinstance(options := found.get(several), list):
            return _or(_type_words(each, schema, depth - 1) for each in options if not _is_null(each))
    kind = found.get("type")
    if isinstance(kind, list):
        return _or(str(_TYPES.get(each, each)) for each in kind if each != "null")
    if kind == "array" and isinstance(found.get("items"), dict):
        return gettext("list of: %(type)s") % {"type": _type_words(found["items"], schema, depth - 1)}
    return str(_TYPES.get(str(kind), gettext("any value")))


def _or(words: Iterator[str]) -> str:
    return gettext(" or ").join(dict.fromkeys(words)) or gettext("any value")


def _is_null(found: Any) -> bool:
    return isinstance(found, dict) and found.get("type") == "null"
