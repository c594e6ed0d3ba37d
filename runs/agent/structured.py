"""Answers as data: what a model has to write, and what is made of it."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Generic, TypeVar

import pydantic

from runs.agent.errors import BadOutput
from runs.agent.lenient_json import read_fenced, read_json
from runs.agent.plain_json import plain_json

T = TypeVar("T")

MAX_REASKS = 2
"""How often an answer that does not fit is asked for again. Each time is a turn like any other."""

MAX_FAULTS = 20
"""A list of 10,000 wrong elements must not fill the model's context."""

_FENCE = "```"


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

    def read(self, text: str, *, is_whole: bool = False) -> T:
        """The answer's data. A code block or words around it are taken off, and JSON whose meaning is beyond doubt is
        read as what it means; with `is_whole`, where the reply was not cut, also if it only lacks its last closers.

        Raises `BadOutput` with every fault.
        """
        candidates = _candidates(text, is_whole=is_whole)
        if len(candidates) == 1:
            return self._read_or_unwrap(candidates[0])
        fitting = [each for each in candidates if self._fits(each)]
        if len(fitting) != 1:
            raise BadOutput([f"The answer is not JSON alone: it holds {len(candidates)} JSON values."])
        return self._checked(fitting[0])

    def _read_or_unwrap(self, data: Any) -> T:
        """The data checked; of a JSON text that does not fit, the JSON in it, if that does."""
        if isinstance(data, str) and not self._fits(data):
            with suppress(ValueError):
                inner = plain_json(read_json(data, adds_closers=False))
                if self._fits(inner):
                    return self._checked(inner)
        return self._checked(data)

    def _fits(self, data: Any) -> bool:
        try:
            self._checked(data)
        except BadOutput:
            return False
        return True

    def _checked(self, data: Any) -> T:
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


def _candidates(text: str, *, is_whole: bool) -> list[Any]:
    """What may be the JSON a model wrote, at least one: the whole text, or each code block in it."""
    try:
        if _FENCE in text and not text.lstrip().startswith(("{", "[", '"')):
            # Another text with a fence is words around blocks, or one block; what is in none is not the answer.
            values = read_fenced(text)
            if values:
                return [plain_json(value) for value in values]
        return [plain_json(read_json(text, adds_closers=is_whole))]
    except ValueError as fault:
        raise BadOutput([f"The answer is not JSON alone: {fault}"]) from fault


def _fault(path: Sequence[Any], message: str) -> str:
    where = ".".join(str(part) for part in path) or "the answer"
    return f"{where}: {message if len(message) <= 400 else message[:400] + '…'}"


def _at_most(faults: list[str]) -> list[str]:
    more = len(faults) - MAX_FAULTS
    return faults if more <= 0 else [*faults[:MAX_FAULTS], f"and {more} more"]
