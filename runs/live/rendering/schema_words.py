"""What a JSON Schema says of one value, in words, and its parts: choices, references, types."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from django.utils.translation import ngettext_lazy

from runs.agent.json_data.json_types import JsonObject

MOST_REFERENCES: Final = 4
"""References that lead to references."""
_BOUNDS: Final = {
    "minimum": "≥ {}",
    "exclusiveMinimum": "> {}",
    "maximum": "≤ {}",
    "exclusiveMaximum": "< {}",
    "pattern": "/{}/",
}
_LENGTHS: Final = {
    "minLength": ngettext_lazy("at least %(n)s character", "at least %(n)s characters", "n"),
    "maxLength": ngettext_lazy("at most %(n)s character", "at most %(n)s characters", "n"),
    "minItems": ngettext_lazy("at least %(n)s element", "at least %(n)s elements", "n"),
    "maxItems": ngettext_lazy("at most %(n)s element", "at most %(n)s elements", "n"),
}


def resolved(found: Any, schema: JsonObject) -> JsonObject:
    """The schema itself, or what its reference within the same schema names."""
    for _ in range(MOST_REFERENCES):
        if not isinstance(found, dict):
            return {}
        reference = found.get("$ref")
        if not isinstance(reference, str):
            return found
        found = schema.get("$defs", {}).get(reference.removeprefix("#/$defs/"))
    return {}


def without_null(found: JsonObject) -> JsonObject:
    """The schema of a nullable value without null; other schemas unchanged."""
    match found:
        case {"anyOf": list(options)} | {"oneOf": list(options)}:
            others = [each for each in options if isinstance(each, dict) and each.get("type") != "null"]
            return others[0] if len(others) == 1 < len(options) else found
        case {"type": list(types)} if "null" in types and len(types) == 2:
            return found | {"type": next(each for each in types if each != "null")}
    return found


def choices_in(found: JsonObject) -> list[tuple[Any, str]]:
    """The values that the schema lists, each with its title; empty for a schema that lists none, or not only them."""
    match found:
        case {"const": value}:
            return [(value, _title(found))]
        case {"enum": list(values)} if values:
            names = found.get("enumNames")
            titles = names if isinstance(names, list) and len(names) == len(values) else [""] * len(values)
            return [
                (value, title if isinstance(title, str) else "") for value, title in zip(values, titles, strict=True)
            ]
        case {"oneOf": list(options)} | {"anyOf": list(options)} if options and _are_constants(options):
            return [(each["const"], _title(each)) for each in options]
    return []


def bounds_words(found: JsonObject) -> str:
    """Range, length, pattern and format of the value; may be empty."""
    return " · ".join(_bounds(found))


def _are_constants(options: Sequence[Any]) -> bool:
    return all(isinstance(each, dict) and "const" in each for each in options)


def _title(found: JsonObject) -> str:
    title = found.get("title")
    return title if isinstance(title, str) else ""


def _bounds(found: JsonObject) -> Iterator[str]:
    for name, text in _BOUNDS.items():
        if name in found:
            yield text.format(found[name])
    for name, words in _LENGTHS.items():
        if isinstance(found.get(name), int):
            yield words % {"n": found[name]}
    if found.get("format"):
        yield str(found["format"])
