"""Arguments checked before a tool runs, with faults a model can read and mend."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from runs.agent.errors import InvalidArguments
from runs.agent.tools.protocol import Tool

if TYPE_CHECKING:
    import jsonschema

Validate = Callable[[Mapping[str, Any]], dict[str, Any]]
"""Gives the arguments to call the tool with, or raises `InvalidArguments`."""

NOT_AN_ARGUMENT = "is not known here; known are: "
MAX_FAULTS_TOLD = 20
"""A list of 10,000 wrong elements must not fill the model's context."""


MALFORMED = "malformed_json"
"""A key of arguments that were no JSON object; its value is what the model wrote. No tool accepts them."""

MALFORMED_BECAUSE = "malformed_because"
"""Beside it: what is wrong with them, for the model."""


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


def validated(tool: Tool, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments to call the tool with. Raises `InvalidArguments`, which lists every fault."""
    if MALFORMED in arguments:
        # Checked here and not by the schema, which may be open to arguments it does not name.
        if because := arguments.get(MALFORMED_BECAUSE):
            raise InvalidArguments(f"The call of {tool.name!r}: {because}")
        told = shortened(arguments[MALFORMED], max_length=200)
        raise InvalidArguments(f"The arguments of {tool.name!r} must be a JSON object, not {told}.")
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
