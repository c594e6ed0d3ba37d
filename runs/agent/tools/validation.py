"""Arguments checked before a tool runs, with faults a model can read and mend."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from runs.agent.errors import InvalidArguments
from runs.agent.lenient_json import Malformed
from runs.agent.plain_json import plain_json
from runs.agent.tools.protocol import Tool

if TYPE_CHECKING:
    import jsonschema

Validate = Callable[[Mapping[str, Any]], dict[str, Any]]
"""Gives the arguments to call the tool with, or raises `InvalidArguments`."""

NOT_AN_ARGUMENT = "is not known here; known are: "
MAX_FAULTS_TOLD = 20
"""A list of 10,000 wrong elements must not fill the model's context."""


MALFORMED = "malformed_json"
"""The key of arguments that were no JSON object; its value is what the model wrote. No tool accepts them."""
MALFORMED_BECAUSE = "malformed_because"
"""Beside it, what is wrong with what the model wrote."""
MALFORMED_VALUE = "malformed_value"
"""Beside it, the JSON value it is instead of an object, if it is one."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with the arguments."""

    path: str
    """Where, with dots: `points.0.x`; empty for the arguments as a whole."""
    expected: str


def checked(tool_name: str, faults: list[Fault]) -> InvalidArguments:
    """The error that lists every fault."""
    lines = [f"- {fault.path or 'arguments'}: {fault.expected}" for fault in faults[:MAX_FAULTS_TOLD]]
    if len(faults) > MAX_FAULTS_TOLD:
        lines.append(f"- and {len(faults) - MAX_FAULTS_TOLD} more")
    return InvalidArguments("\n".join([f"The arguments of {tool_name!r} do not fit:", *lines]))


def shortened(value: Any, *, max_length: int = 80) -> str:
    """The value as Python writes it, at most `max_length` characters of it."""
    if isinstance(value, (str, bytes)):
        value = value[: max_length + 1]  # a repr of megabytes is not made only to be cut
    return shortened_text(repr(value), max_length=max_length)


def shortened_text(text: str, *, max_length: int = 400) -> str:
    """The text, or its first `max_length` characters and an ellipsis."""
    return text if len(text) <= max_length else f"{text[:max_length]}…"


def schema_validator(schema: Mapping[str, Any], *, name: str) -> Validate:
    """A check against a JSON Schema. Raises `TypeError` if it is no schema of an object."""
    import jsonschema  # 120 ms; tools made from a signature never need it

    if schema.get("type") != "object":
        raise TypeError(f"The parameters of {name!r} must be a JSON Schema of type 'object', not {dict(schema)!r}.")
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError as error:
        raise TypeError(f"The parameters of {name!r} are no JSON Schema: {error.message}") from error
    validator = jsonschema.Draft202012Validator(_closed(schema))

    def validate(arguments: Mapping[str, Any]) -> dict[str, Any]:
        plain = dict(arguments)
        faults = [fault for error in validator.iter_errors(plain) for fault in _faults(error)]
        if faults:
            raise checked(name, list(dict.fromkeys(faults)))  # jsonschema reports each missing one by itself
        return plain

    return validate


def _closed(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Unknown arguments are faults, unless the schema says something about them or spreads its properties."""
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
            return [Fault(".".join([*path, name]), "is required") for name in missing]
        case "additionalProperties" if wanted is False and "patternProperties" not in schema:
            known = schema.get("properties", {})
            told = f"{NOT_AN_ARGUMENT}{', '.join(known) or 'none'}"
            unknown = [name for name in instance if name not in known]
            return [Fault(".".join([*path, str(name)]), told) for name in unknown]
        case _:
            return [Fault(".".join(path), shortened_text(error.message))]


_validators: "WeakKeyDictionary[Tool, tuple[dict[str, Any], Validate]]" = WeakKeyDictionary()


def malformed_arguments(malformed: Malformed) -> dict[str, Any]:
    """The arguments of a call that has none that can be read: what was written, and what is wrong with it."""
    arguments = {MALFORMED: plain_json(malformed.text), MALFORMED_BECAUSE: plain_json(malformed.reason)}
    return arguments if malformed.value is None else {**arguments, MALFORMED_VALUE: malformed.value}


def meant_arguments(tool: Tool, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """The arguments as an object, where they are none but leave no doubt: the value of the one argument that the tool
    requires, if it is of its type, or a list of one object. Others come back as they are.

    For a run to ask before it shows a call: what is shown, and what a person allows, is what runs.
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
    """True if a schema names the type of that value. One that names none takes anything, and then nothing is sure."""
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


def validated(tool: Tool, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments to call the tool with. Raises `InvalidArguments`, which lists every fault."""
    if MALFORMED in arguments:
        # Checked here and not by the schema, which may be open to arguments it does not name.
        written = shortened(arguments[MALFORMED], max_length=200)
        told = f"The arguments of {tool.name!r} must be a JSON object, not {written}."
        because = str(arguments.get(MALFORMED_BECAUSE) or "").rstrip(".")
        raise InvalidArguments(f"{told} What is wrong: {because}." if because else told)
    return validator_of(tool)(arguments)


def validator_of(tool: Tool) -> Validate:
    """The tool's own check if it has one (tools made by `@tool`), else one for its schema, compiled once."""
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
