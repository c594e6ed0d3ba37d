"""Schemas of OpenAPI as JSON Schema: those of 3.0, a dialect of its own, and those of 3.1."""

from typing import Any, Final

from runs.agent.json_data.json_types import JsonObject
from runs.agent.json_data.linear_regex import linear_pattern
from runs.agent.tools.openapi.references import References, UnusableOperation

Schema = JsonObject | bool
MAX_DEPTH: Final = 40
MOST_DEFINITIONS: Final = 400
"""Of the schemas that one operation refers to."""
_TYPES: Final = frozenset(("string", "number", "integer", "boolean", "object", "array", "null"))
_ONE: Final = (
    *("items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames"),
    *("unevaluatedProperties", "unevaluatedItems"),
)
_LISTS: Final = ("allOf", "anyOf", "oneOf", "prefixItems")
_MAPS: Final = ("properties", "patternProperties", "dependentSchemas", "$defs")
_TEXTS: Final = ("title", "description", "format", "contentMediaType", "contentEncoding")
_NUMBERS: Final = (
    *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "minItems"),
    *("maxItems", "minProperties", "maxProperties", "minContains", "maxContains"),
)
_ELSEWHERE: Final = ("$dynamicRef", "$recursiveRef")


class SchemaConversion:
    """Converts the schemas of one document, each definition once."""

    def __init__(self, references: References, *, is_3_0: bool) -> None:
        self._references = references
        self._is_3_0 = is_3_0
        self._known: dict[str, tuple[Schema, set[str]]] = {}
        self._names: dict[str, str] = {}
        self._taken: set[str] = set()

    def converted(self, schema: Any) -> tuple[Schema, set[str]]:
        """The schema, and the references in it, which `definitions` gives. Raises `UnusableOperation`."""
        used: set[str] = set()
        return self._schema(schema, used, 0), used

    def definitions(self, used: set[str]) -> JsonObject:
        """What these references and those in them stand for, by their names in `$defs`. A cycle is no fault."""
        waiting = sorted(used)
        found: JsonObject = {}
        while waiting:
            reference = waiting.pop()
            name = self._name(reference)
            if name in found:
                continue
            if len(found) >= MOST_DEFINITIONS:
                raise UnusableOperation(f"Its schema refers to more than {MOST_DEFINITIONS} others.")
            if reference not in self._known:
                self._known[reference] = self.converted(self._references.lookup(reference))
            found[name], inner = self._known[reference]
            waiting += sorted(inner)
        return found

    def _name(self, reference: str) -> str:
        if reference not in self._names:
            last = "".join(each if each.isascii() and each.isalnum() else "_" for each in reference.rpartition("/")[2])
            name = first = last[:60] or "schema"
            number = 2
            while name in self._taken:
                name = f"{first}_{number}"
                number += 1
            self._taken.add(name)
            self._names[reference] = name
        return self._names[reference]

    def _schema(self, raw: Any, used: set[str], depth: int) -> Schema:
        if isinstance(raw, bool):
            return raw
        if not isinstance(raw, dict):
            return {}
        if depth > MAX_DEPTH:
            raise UnusableOperation(f"Its schema is nested more than {MAX_DEPTH} levels deep.")
        if other := next((name for name in _ELSEWHERE if name in raw), None):
            raise UnusableOperation(f"Its schema has {other}, which is not supported.")
        made: JsonObject = {}
        if isinstance(reference := raw.get("$ref"), str):
            self._references.lookup(reference)
            used.add(reference)
            made = {"$ref": f"#/$defs/{self._name(reference)}"}
            if self._is_3_0:
                return made
        made |= self._plain(raw) | self._nested(raw, used, depth + 1)
        self._without_what_is_only_read(raw, made)
        return _nullable(made) if self._is_3_0 and raw.get("nullable") is True else made

    def _nested(self, raw: JsonObject, used: set[str], depth: int) -> JsonObject:
        """The subschemas."""
        ones = [name for name in _ONE if isinstance(raw.get(name), dict | bool)]
        made: JsonObject = {name: self._schema(raw[name], used, depth) for name in ones}
        for name in _LISTS:
            if isinstance(raw.get(name), list) and raw[name]:
                made[name] = [self._schema(each, used, depth) for each in raw[name]]
        for name in _MAPS:
            if isinstance(raw.get(name), dict):
                made[name] = {key: self._schema(each, used, depth) for key, each in raw[name].items()}
        return made

    def _plain(self, raw: JsonObject) -> JsonObject:
        made: JsonObject = {name: raw[name] for name in _TEXTS if isinstance(raw.get(name), str)}
        made |= {name: raw[name] for name in _NUMBERS if isinstance(raw.get(name), int | float)}
        for name in ("minimum", "maximum") if self._is_3_0 else ():
            exclusive = "exclusive" + name.capitalize()
            if made.pop(exclusive, None) is True and name in made:
                made[exclusive] = made.pop(name)
        made = {name: value for name, value in made.items() if name in _TEXTS or not isinstance(value, bool)}
        made |= {name: raw[name] for name in ("default", "const") if name in raw}
        if isinstance(raw.get("enum"), list) and raw["enum"]:
            made["enum"] = raw["enum"]
        if isinstance(raw.get("required"), list):
            made["required"] = list(dict.fromkeys(each for each in raw["required"] if isinstance(each, str)))
        if isinstance(raw.get("dependentRequired"), dict):
            made["dependentRequired"] = raw["dependentRequired"]
        if raw.get("uniqueItems") is True:
            made["uniqueItems"] = True
        return made | _types(raw.get("type")) | _pattern(raw.get("pattern")) | _examples(raw)

    def _without_what_is_only_read(self, raw: JsonObject, made: JsonObject) -> None:
        """A request does not have the properties that only answers have."""
        if not isinstance(raw.get("properties"), dict):
            return
        read = {
            name for name, each in raw["properties"].items() if isinstance(each, dict) and each.get("readOnly") is True
        }
        if read:
            made["properties"] = {name: each for name, each in made["properties"].items() if name not in read}
            made["required"] = [name for name in made.get("required", ()) if name not in read]


def _types(kind: Any) -> JsonObject:
    if isinstance(kind, str):
        return {"type": kind} if kind in _TYPES else {}
    if isinstance(kind, list):
        known = [each for each in dict.fromkeys(map(str, kind)) if each in _TYPES]
        return {"type": known} if known else {}
    return {}


def _pattern(pattern: Any) -> JsonObject:
    """The pattern, if it can be checked in linear time; else the API alone checks it."""
    if not isinstance(pattern, str):
        return {}
    try:
        linear_pattern(pattern)
    except ValueError:
        return {}
    return {"pattern": pattern}


def _examples(raw: JsonObject) -> JsonObject:
    if isinstance(raw.get("examples"), list) and raw["examples"]:
        return {"examples": raw["examples"][:3]}
    return {"examples": [raw["example"]]} if "example" in raw else {}


def _nullable(made: JsonObject) -> JsonObject:
    if "enum" in made and None not in made["enum"]:
        made = made | {"enum": [*made["enum"], None]}
    kind = made.get("type")
    if isinstance(kind, str):
        return made | {"type": [kind, "null"]}
    return made if kind or "enum" in made else {"anyOf": [made, {"type": "null"}]}
