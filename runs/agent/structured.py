"""Answers as data: what a model has to write, and what is made of it."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Generic, NoReturn, TypeVar

import pydantic

from runs.agent.errors import BadOutput

T = TypeVar("T")

MAX_REASKS = 2
"""How often an answer that does not fit is asked for again. Each time is a turn like any other."""

MAX_FAULTS = 20
"""A list of 10,000 wrong elements must not fill the model's context."""

_FENCED = re.compile(r"```(?:json|JSON)?[ \t]*\n(.*?)\n?```", re.DOTALL)


class OutputSchema(Generic[T]):
    """The form of an answer: a pydantic model, any type pydantic can adapt, or a JSON Schema (Draft 2020-12).

    Raises `ValueError` for a JSON Schema that is none, `TypeError` for a type pydantic knows nothing about.
    """

    def __init__(self, output: Any) -> None:
        self.schema: dict[str, Any]
        self._adapter: pydantic.TypeAdapter[T] | None = None
        if isinstance(output, Mapping):
            self.schema = dict(output)
            self._validator = _validator(self.schema)
            return
        try:
            self._adapter = pydantic.TypeAdapter(output)
            self.schema = self._adapter.json_schema()
        except pydantic.errors.PydanticUserError as error:
            raise TypeError(f"{output!r} cannot be an output: {error.message}") from error

    def read(self, text: str) -> T:
        """The answer's data. A code fence around it is taken off. Raises `BadOutput` with every fault."""
        data = _json_in(text)
        if self._adapter is None:
            if faults := [_fault(error.absolute_path, error.message) for error in self._validator.iter_errors(data)]:
                raise BadOutput(_at_most(faults))
            return data  # type: ignore[no-any-return]  # a JSON Schema says nothing to the type checker
        try:
            # As JSON, so that a date may be a string and a tuple a list.
            return self._adapter.validate_json(json.dumps(data))
        except pydantic.ValidationError as error:
            faults = [_fault(each["loc"], each["msg"]) for each in error.errors(include_url=False, include_input=False)]
            raise BadOutput(_at_most(faults)) from error

    def as_json(self, value: T) -> Any:
        """The data as JSON values, as it is stored."""
        return value if self._adapter is None else self._adapter.dump_python(value, mode="json")


def schema_fault(schema: object) -> str | None:
    """Why this is no JSON Schema an answer can be checked with, or None."""
    if not isinstance(schema, Mapping):
        return 'A JSON Schema is an object, such as {"type": "object"}.'
    try:
        _validator(dict(schema))
    except ValueError as error:
        return str(error)
    return None


def _validator(schema: dict[str, Any]) -> Any:
    import jsonschema  # 90 ms; text answers never need it
    from referencing import Registry
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import DRAFT202012

    try:
        jsonschema.Draft202012Validator.check_schema(schema)
        own = str(schema.get("$id", ""))
        resolver = Registry().with_resource(own, DRAFT202012.create_resource(schema)).resolver(own)
        for reference in _references(schema):
            resolver.lookup(reference)
    except jsonschema.SchemaError as error:
        path = ".".join(str(part) for part in error.absolute_path)
        raise ValueError(f"This is no JSON Schema: {f'{path}: ' if path else ''}{error.message}") from error
    except Unresolvable as error:
        raise ValueError(f"The $ref {error.ref!r} points at nothing in this schema.") from error
    # An empty registry: a `$ref` to an address elsewhere must not be fetched.
    return jsonschema.Draft202012Validator(schema, registry=Registry())


def _references(value: Any) -> Sequence[str]:
    match value:
        case dict():
            own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            return [*own, *(reference for each in value.values() for reference in _references(each))]
        case list():
            return [reference for each in value for reference in _references(each)]
        case _:
            return []


def _json_in(text: str) -> Any:
    """The JSON a model wrote: the whole text, or the one code block in it."""
    stripped = text.strip()
    fenced = _FENCED.findall(stripped)
    if len(fenced) == 1:
        stripped = fenced[0]
    try:
        return json.loads(stripped, parse_constant=_refuse_constant)
    except RecursionError:
        raise BadOutput(["The answer is nested too deeply."]) from None
    except ValueError as error:
        raise BadOutput([f"The answer is not JSON alone: {error}"]) from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON.")


def _fault(path: Sequence[Any], message: str) -> str:
    where = ".".join(str(part) for part in path) or "the answer"
    return f"{where}: {message if len(message) <= 400 else message[:400] + '…'}"


def _at_most(faults: list[str]) -> list[str]:
    more = len(faults) - MAX_FAULTS
    return faults if more <= 0 else [*faults[:MAX_FAULTS], f"and {more} more"]
