"""Validation of a tool's arguments, with faults that a model can read and correct."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from runs.agent.errors import argument_sentences as sentences
from runs.agent.errors.exceptions import InvalidArguments
from runs.agent.json_data.json_types import JsonMapping, JsonObject
from runs.agent.json_data.json_values import MAX_DIGITS, is_printable, plain_json
from runs.agent.json_data.lenient_json import Malformed
from runs.agent.json_data.schema_keywords import TooMuchToCheck
from runs.agent.json_data.schema_validation import SchemaCheck
from runs.agent.tools.protocol import Tool

if TYPE_CHECKING:
    import jsonschema

Validate = Callable[[JsonMapping], JsonObject]
"""Returns the arguments for the call, or raises `InvalidArguments`."""

MAX_FAULTS_TOLD = 20
"""A list of 10,000 wrong elements must not fill the model's context."""


MALFORMED = "malformed_json"
"""The key of arguments that are not a JSON object; its value is the text of the model. No tool accepts them."""
MALFORMED_BECAUSE = "malformed_because"
"""The key of the fault, beside `MALFORMED`."""
MALFORMED_VALUE = "malformed_value"
"""The key of the JSON value that was found instead of an object, beside `MALFORMED`; absent without one."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of the arguments."""

    path: str
    """The place, with dots: `points.0.x`; empty for the arguments as a whole."""
    expected: str


def checked(tool_name: str, faults: list[Fault]) -> InvalidArguments:
    """The error that lists the faults, up to `MAX_FAULTS_TOLD`."""
    lines = [f"- {fault.path or 'arguments'}: {fault.expected}" for fault in faults[:MAX_FAULTS_TOLD]]
    if len(faults) > MAX_FAULTS_TOLD:
        lines.append(f"- {sentences.MORE_FAULTS.made(count=len(faults) - MAX_FAULTS_TOLD)}")
    told = sentences.DO_NOT_FIT.made(tool=repr(tool_name), faults="\n".join(lines))
    return InvalidArguments(told, [(fault.path, fault.expected) for fault in faults[:MAX_FAULTS_TOLD]])


def not_known(known: Iterable[str]) -> str:
    """The fault of an argument that the tool does not have."""
    names = ", ".join(known)
    return sentences.NOT_KNOWN.made(names=names) if names else sentences.NONE_KNOWN.made()


def shortened(value: Any, *, max_length: int = 80) -> str:
    """The `repr` of the value, cut to `max_length` characters."""
    if isinstance(value, (str, bytes)):
        value = value[: max_length + 1]  # before the repr: it may have megabytes
    return shortened_text(repr(value), max_length=max_length)


def shortened_text(text: str, *, max_length: int = 400) -> str:
    """The text, or its first `max_length` characters and an ellipsis."""
    return text if len(text) <= max_length else f"{text[:max_length]}…"


def schema_validator(schema: JsonMapping, *, name: str) -> Validate:
    """A validator for a JSON Schema. Raises `TypeError` if it is not a schema of an object."""
    if schema.get("type") != "object":
        raise TypeError(f"The parameters of {name!r} must be a JSON Schema of type 'object', not {dict(schema)!r}.")
    try:
        faults_in = object_check(schema)
    except ValueError as error:
        raise TypeError(f"The parameters of {name!r} are not a JSON Schema: {error}") from error

    def validate(arguments: JsonMapping) -> JsonObject:
        plain = dict(arguments)
        if faults := faults_in(plain):
            raise checked(name, faults)
        return plain

    return validate


def late_validator(schema: JsonMapping, *, name: str) -> Validate:
    """The same for a schema that was checked before; it is compiled at the first call."""
    compiled: list[Validate] = []

    def validate(arguments: JsonMapping) -> JsonObject:
        if not compiled:
            compiled.append(schema_validator(schema, name=name))
        return compiled[0](arguments)

    return validate


def object_check(schema: JsonMapping) -> Callable[[JsonObject], list[Fault]]:
    """A function that returns the faults of an object, in bounded time. Raises `ValueError` with the schema's fault."""
    check = SchemaCheck(_closed(schema))

    def faults_in(plain: JsonObject) -> list[Fault]:
        try:
            faults = [fault for error in check.faults(plain) for fault in _faults(error)]
        except TooMuchToCheck as error:
            faults = [Fault("", str(error))]
        return list(dict.fromkeys(faults))  # each `required` error gives all missing names

    return faults_in


def _closed(schema: JsonMapping) -> JsonObject:
    """The schema without additional properties, unless it has a rule for them or its properties are spread over
    parts."""
    says = {"additionalProperties", "unevaluatedProperties", "patternProperties", "allOf", "anyOf", "oneOf", "$ref"}
    return dict(schema) if says & schema.keys() else {"properties": {}, **schema, "additionalProperties": False}


def _faults(error: "jsonschema.ValidationError") -> list[Fault]:
    path = [str(part) for part in error.absolute_path]
    instance: Any = error.instance
    schema: Any = error.schema  # the object schema whose rule was broken; may be a bool for other rules
    wanted: Any = error.validator_value
    match error.validator:
        case "required":
            missing = [name for name in wanted if name not in instance]
            return [Fault(".".join([*path, name]), sentences.REQUIRED.made()) for name in missing]
        case "additionalProperties" if wanted is False and "patternProperties" not in schema:
            known = schema.get("properties", {})
            told = not_known(known)
            unknown = [name for name in instance if name not in known]
            return [Fault(".".join([*path, str(name)]), told) for name in unknown]
        case _:
            return [Fault(".".join(path), shortened_text(error.message))]


_validators: "WeakKeyDictionary[Tool, tuple[JsonObject, Validate]]" = WeakKeyDictionary()


def malformed_arguments(malformed: Malformed) -> JsonObject:
    """The arguments of a call with malformed ones: the text of the model, and its fault."""
    arguments = {MALFORMED: plain_json(malformed.text), MALFORMED_BECAUSE: plain_json(malformed.reason)}
    return arguments if malformed.value is None else {**arguments, MALFORMED_VALUE: malformed.value}


def meant_arguments(tool: Tool, arguments: JsonMapping) -> JsonMapping:
    """The arguments as an object, if a malformed value is unambiguous: the value of the tool's only required argument,
    if it has its type, or a list of one object. Other arguments are returned unchanged.

    To be called before a call is shown, so that the shown and approved arguments are those that run.
    """
    if MALFORMED not in arguments or (value := arguments.get(MALFORMED_VALUE)) is None:
        return arguments
    schema = tool.get_schema()
    match schema.get("required"):
        case [str(name)] if _takes(schema.get("properties", {}).get(name), value):
            return {name: value}
    match value:
        case [dict(only)]:
            return only
        case _:
            return arguments


def _takes(schema: object, value: Any) -> bool:
    """True if the schema names the type of the value. A schema without a type accepts anything, which is ambiguous."""
    if not isinstance(schema, Mapping):
        return False
    alternatives = [schema, *(each for each in schema.get("anyOf", ()) if isinstance(each, Mapping))]
    named = [each.get("type") for each in alternatives]
    types = {kind for each in named for kind in (each if isinstance(each, list) else [each])}
    match value:
        case bool():
            return "boolean" in types
        case int():
            return bool(types & {"integer", "number"})
        case float():
            return "number" in types
        case str():
            return "string" in types
        case list():
            return "array" in types
        case _:
            return False


def validated(tool: Tool, arguments: JsonMapping) -> JsonObject:
    """The validated arguments for the call. Raises `InvalidArguments`, which lists the faults."""
    if MALFORMED in arguments:
        # Checked here, because the schema may allow additional properties.
        written = shortened(arguments[MALFORMED], max_length=200)
        because = str(arguments.get(MALFORMED_BECAUSE) or "").rstrip(".")
        values = {"tool": repr(tool.name), "value": written}
        raise InvalidArguments(
            sentences.NOT_AN_OBJECT_BECAUSE.made(**values, message=because)
            if because
            else sentences.NOT_AN_OBJECT.made(**values)
        )
    if faults := list(_numbers_too_long(arguments)):
        raise checked(tool.name, faults)
    return validator_of(tool)(arguments)


def _numbers_too_long(arguments: JsonMapping) -> Iterator[Fault]:
    """The integers in the arguments that cannot be written as text: not in a request, nor in the fault of a schema."""
    left: list[tuple[tuple[str, ...], Any]] = [((), arguments)]
    while left:
        path, value = left.pop()
        match value:
            case int():
                yield Fault(".".join(path), sentences.TOO_MANY_DIGITS.made(digits=f"{MAX_DIGITS:,}"))
            case Mapping():
                left += [((*path, str(name)), each) for name, each in value.items() if _has_too_long(each)]
            case _:
                left += [((*path, str(place)), each) for place, each in enumerate(value) if _has_too_long(each)]


def _has_too_long(value: Any) -> bool:
    """True for an integer that is too long, and for what has to be looked into."""
    return isinstance(value, Mapping | list | tuple) or (isinstance(value, int) and not is_printable(value))


def validator_of(tool: Tool) -> Validate:
    """The tool's own validator if it has one (tools made by `@tool`), else one for its schema, cached."""
    own: Validate | None = getattr(tool, "validate_arguments", None)
    if own is not None:
        return own
    schema = tool.get_schema()
    try:
        known = _validators.get(tool)
    except TypeError:  # a tool that cannot be hashed or weakly referenced
        return schema_validator(schema, name=tool.name)
    if known is None or known[0] != schema:
        known = _validators[tool] = (schema, schema_validator(schema, name=tool.name))
    return known[1]
