"""The parts of an operation's request: its parameters, its body, and the credentials that it asks for."""

from dataclasses import dataclass
from typing import Any, Final

from runs.agent.json_data.json_types import JsonObject
from runs.agent.tools.openapi.argument_names import ArgumentNames
from runs.agent.tools.openapi.references import References, UnusableOperation, as_object
from runs.agent.tools.openapi.schema_conversion import Schema, SchemaConversion
from runs.agent.tools.web.http_hosts import belongs_to_connection

_STYLES: Final = {
    "path": ("simple", "label", "matrix"),
    "query": ("form", "spaceDelimited", "pipeDelimited", "deepObject"),
    "header": ("simple",),
    "cookie": ("form",),
}
"""By place, the default first."""
_SET_ELSEWHERE: Final = ("accept", "content-type", "authorization")
"""Headers that are no parameters, as OpenAPI says."""
FORM: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"
MOST_PARAMETERS: Final = 200


@dataclass(frozen=True, slots=True)
class OperationPart:
    """A parameter or a body."""

    argument: str
    """The name of its argument."""
    schema: Schema
    required: bool
    request: JsonObject
    """Where it is in the request."""
    references: set[str]


class PartReader:
    """Reads the parts of one operation after the other. Raises `UnusableOperation`."""

    def __init__(self, references: References, schemas: SchemaConversion, schemes: JsonObject) -> None:
        self._references = references
        self._schemas = schemas
        self._schemes = schemes

    def parameters(self, item: JsonObject, operation: JsonObject, names: ArgumentNames) -> list[OperationPart]:
        """The parameters of the path and of the operation, whose own go first."""
        found: dict[tuple[str, str], JsonObject] = {}
        for each in [*_list(item.get("parameters")), *_list(operation.get("parameters"))]:
            raw = self._references.resolved(each)
            name, place = raw.get("name"), raw.get("in")
            if not isinstance(name, str) or not isinstance(place, str) or place not in _STYLES:
                raise UnusableOperation("It has a parameter without a name, or at a place that OpenAPI does not have.")
            found[place, name] = raw
        if len(found) > MOST_PARAMETERS:
            raise UnusableOperation(f"It has more than {MOST_PARAMETERS} parameters.")
        return [
            self._parameter(raw, names) for (place, name), raw in found.items() if not _is_set_elsewhere(place, name)
        ]

    def _parameter(self, raw: JsonObject, names: ArgumentNames) -> OperationPart:
        name, place = raw["name"], raw["in"]
        request: JsonObject = {"name": name, "in": place}
        schema = raw.get("schema", {})
        if isinstance(content := raw.get("content"), dict) and content:
            media_type, about = next(iter(content.items()))
            if not is_json(media_type):
                raise UnusableOperation(f"Its parameter {name[:80]!r} is {media_type[:80]}, which is not supported.")
            schema, request["style"] = as_object(about).get("schema", {}), "json"
        else:
            request |= _style(raw, place)
        converted, references = self._schemas.converted(schema)
        argument = names.name(name, place)
        return OperationPart(
            argument, _described(converted, raw), place == "path" or raw.get("required") is True,
            {"argument": argument, **request}, references,
        )  # fmt: skip

    def body(self, operation: JsonObject, names: ArgumentNames) -> OperationPart | None:
        """The body, None without one: JSON if there is a choice."""
        if "requestBody" not in operation:
            return None
        raw = self._references.resolved(operation["requestBody"])
        content = {kind: as_object(about) for kind, about in as_object(raw.get("content")).items()}
        media_type = min(content, key=_preference, default="")
        if not media_type or _preference(media_type) == _NOT_SUPPORTED:
            if raw.get("required") is not True:
                return None
            raise UnusableOperation(f"Its body is {', '.join(content)[:200] or 'of no type'}, which is not supported.")
        about = content[media_type]
        converted, references = self._schemas.converted(about.get("schema", {}))
        argument = names.name("body", "request")
        plain = media_type.partition(";")[0].strip().lower()
        request: JsonObject = {"argument": argument, "media_type": plain}
        if plain in (FORM, MULTIPART):
            request["fields"] = self._fields(about)
        return OperationPart(argument, _described(converted, raw), raw.get("required") is True, request, references)

    def _fields(self, about: JsonObject) -> JsonObject:
        """How the fields of a form are sent, for those that are not sent as usual."""
        fields: dict[str, JsonObject] = {}
        for name, each in as_object(about.get("encoding")).items():
            rules = as_object(each)
            names = [key for key in ("style", "explode", "contentType") if isinstance(rules.get(key), str | bool)]
            fields[name] = {key: rules[key] for key in names}
        try:
            schema = self._references.resolved(about.get("schema", {}))
        except UnusableOperation:
            schema = {}
        for name, each in as_object(schema.get("properties")).items():
            if isinstance(each, dict) and (each.get("format") == "binary" or "contentMediaType" in each):
                fields.setdefault(name, {})["is_file"] = True
        return {name: each for name, each in fields.items() if each}

    def security(self, operation: JsonObject, default: Any) -> list[list[JsonObject]]:
        """The alternatives: each a list of credentials that are sent together; an empty one is none at all."""
        wanted = operation.get("security", default)
        return [
            [{"scheme": name, **(self._scheme(name) or {})} for name in each]
            for each in _list(wanted)
            if isinstance(each, dict) and all(self._scheme(name) for name in each)
        ]

    def _scheme(self, name: str) -> JsonObject | None:
        try:
            return scheme_of(self._references.resolved(self._schemes.get(name)))
        except UnusableOperation:
            return None


def scheme_of(raw: JsonObject) -> JsonObject | None:
    """How a credential is sent; None for a scheme that is not supported."""
    match raw:
        case {"type": "apiKey", "in": "header" | "query" | "cookie" as place, "name": str(name)}:
            is_sent = bool(name) and not (place == "header" and belongs_to_connection(name))
            return {"kind": "apiKey", "in": place, "name": name[:200]} if is_sent else None
        case {"type": "http", "scheme": str(scheme)} if scheme.lower() in ("bearer", "basic"):
            return {"kind": scheme.lower()}
        case {"type": "oauth2" | "openIdConnect"}:
            return {"kind": "bearer"}
    return None


def is_json(media_type: str) -> bool:
    """True for JSON and its relatives, such as `application/problem+json`."""
    plain = media_type.partition(";")[0].strip().lower()
    return plain in ("application/json", "text/json", "*/*") or plain.endswith("+json")


_NOT_SUPPORTED: Final = 9


def _preference(media_type: str) -> int:
    plain = media_type.partition(";")[0].strip().lower()
    if plain == "application/json":
        return 0
    if is_json(plain):
        return 1
    return {FORM: 2, MULTIPART: 3, "text/plain": 4}.get(plain, _NOT_SUPPORTED)


def _is_set_elsewhere(place: str, name: str) -> bool:
    is_header = place == "header"
    return is_header and (name.lower() in (*_SET_ELSEWHERE, "cookie") or belongs_to_connection(name))


def _style(raw: JsonObject, place: str) -> JsonObject:
    style = raw.get("style")
    style = style if style in _STYLES[place] else _STYLES[place][0]
    explode = raw["explode"] if isinstance(raw.get("explode"), bool) else style in ("form", "deepObject")
    reserved = {"allow_reserved": True} if raw.get("allowReserved") is True and place == "query" else {}
    return {"style": style, "explode": explode, **reserved}


def _described(schema: Schema, raw: JsonObject) -> Schema:
    """The schema with the description of what it is the schema of."""
    if not isinstance(raw.get("description"), str) or not isinstance(schema, dict):
        return schema
    return {**schema, "description": raw["description"]}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
