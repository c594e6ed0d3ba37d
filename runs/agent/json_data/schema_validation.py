"""Validation against a JSON Schema (Draft 2020-12) in bounded time, for any schema and document.

A schema is checked when it is compiled: its size, the number of checks of one value, its patterns. The steps of a
validation are counted while it runs, because recursive schemas can still need unbounded time.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from runs.agent.json_data.json_types import JsonMapping, JsonObject
from runs.agent.json_data.linear_regex import TooMuchText, linear_pattern

if TYPE_CHECKING:
    import jsonschema

MAX_SCHEMA_CHARS = 64 * 1024
"""Length limit of a schema as JSON."""
MAX_AT_ONE_PLACE = 1_000
"""Checks of one value by `allOf`, `anyOf`, `$ref` and the like, with all nested ones expanded."""
STEPS, STEPS_A_VALUE, MAX_STEPS = 20_000, 40, 300_000
"""Steps of one validation: a fixed part, more for each value of the document, and the maximum, which takes about a
second."""
_MESSAGE_CHARS_A_STEP = 200

_MAPS = ("properties", "patternProperties", "$defs", "definitions")
_BELOW = ("items", "additionalProperties", "unevaluatedProperties", "unevaluatedItems", "contains", "propertyNames")
_HERE = ("not", "if", "then", "else")
_HERE_LISTS = ("allOf", "anyOf", "oneOf")
_REFERENCES = ("$ref", "$dynamicRef")


class TooMuchToCheck(ValueError):
    """The validation would take too long. The message is for the author of the document."""


class SchemaCheck:
    """A compiled schema."""

    def __init__(self, schema: JsonMapping) -> None:
        """Raises `ValueError` with the fault of the schema, also if its validation would not be bounded."""
        self._validator = _compiled(_as_json(schema))

    def faults(self, document: Any) -> "Iterator[jsonschema.ValidationError]":
        """The validation errors of the document. Raises `TooMuchToCheck` after a bounded time."""
        work = _WorkBudget(min(MAX_STEPS, STEPS + STEPS_A_VALUE * _values_in(document)))
        errors = self._validator.iter_errors(document)
        while True:
            token = _work.set(work)
            try:
                error = next(errors, None)
            except (RecursionError, TooMuchText) as raised:
                told = raised if isinstance(raised, TooMuchText) else "the schema refers to itself without end"
                raise TooMuchToCheck(f"This cannot be checked: {told}.") from raised
            finally:
                _work.reset(token)
            if error is None:
                return
            yield error


class _WorkBudget:
    """The remaining steps of one validation."""

    def __init__(self, steps: int) -> None:
        self._most = self._left = steps

    def spend(self, steps: int) -> None:
        self._left -= steps
        if self._left < 0:
            raise TooMuchToCheck(
                f"This takes more than {self._most:,} steps to check against its schema: it is too large, or the "
                "schema's alternatives multiply."
            )


_work: ContextVar[_WorkBudget] = ContextVar("schema_work")


def _values_in(document: Any) -> int:
    count, level = 0, [document]
    while level:
        count += len(level)
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
    return count


def _as_json(schema: JsonMapping) -> str:
    try:
        text = json.dumps(dict(schema))
    except (RecursionError, TypeError, ValueError) as error:
        raise ValueError(f"This is not a JSON Schema: {error}.") from error
    if len(text) > MAX_SCHEMA_CHARS:
        raise ValueError(f"A JSON Schema has at most {MAX_SCHEMA_CHARS:,} characters as JSON, not {len(text):,}.")
    return text


@lru_cache(64)
def _compiled(text: str) -> "jsonschema.protocols.Validator":
    import jsonschema  # 90 ms; text answers never need it
    from referencing import Registry
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import DRAFT202012

    schema = json.loads(text)
    try:
        # Without format checks: the only relevant one is `regex`, which would check for Python's syntax, not RE2's.
        jsonschema.Draft202012Validator.check_schema(schema, format_checker=jsonschema.FormatChecker(formats=()))
        own = str(schema.get("$id", ""))
        resolver = Registry().with_resource(own, DRAFT202012.create_resource(schema)).resolver(own)
        _Bounds(lambda reference: resolver.lookup(reference).contents).check(schema)
    except jsonschema.SchemaError as error:
        path = ".".join(str(part) for part in error.absolute_path)
        raise ValueError(f"This is not a JSON Schema: {f'{path}: ' if path else ''}{error.message}") from error
    except Unresolvable as error:
        raise ValueError(f"The $ref {error.ref!r} does not exist in this schema.") from error
    except RecursionError as error:
        raise ValueError("This JSON Schema is nested too deeply.") from error
    # An empty registry: a `$ref` to an address elsewhere must not be fetched.
    validator: jsonschema.protocols.Validator = _validator_class()(schema, registry=Registry())
    return validator


class _Bounds:
    """The check that validation with a schema is bounded. It visits every part once."""

    def __init__(self, lookup: Callable[[str], Any]) -> None:
        self._lookup = lookup
        self._known: dict[int, int] = {}
        self._open: set[int] = set()
        self._has: set[str] = set()

    def check(self, schema: Any) -> None:
        """Raise `ValueError` for a schema whose validation would not be bounded."""
        waiting = [schema]
        while waiting:
            part = waiting.pop()
            if not isinstance(part, dict) or id(part) in self._known:
                continue
            self._checks_at_one_place(part)
            self._has |= part.keys()
            if isinstance(pattern := part.get("pattern"), str):
                linear_pattern(pattern)
            for pattern in part.get("patternProperties", ()):
                linear_pattern(pattern)
            waiting += [*_inside(part), *self._here(part)]
        if "patternProperties" in self._has and "unevaluatedProperties" in self._has:
            raise ValueError("unevaluatedProperties together with patternProperties cannot be checked in bounded time.")

    def _checks_at_one_place(self, part: Any) -> int:
        if not isinstance(part, dict):
            return 1
        if id(part) in self._open:
            raise ValueError("A $ref of this schema refers back to itself for the same value, so a check never ends.")
        if id(part) not in self._known:
            self._open.add(id(part))
            count = 1 + sum(map(self._checks_at_one_place, self._here(part)))
            self._open.discard(id(part))
            if count > MAX_AT_ONE_PLACE:
                raise ValueError(f"This schema asks for more than {MAX_AT_ONE_PLACE:,} checks of one value.")
            self._known[id(part)] = count
        return self._known[id(part)]

    def _here(self, part: JsonObject) -> list[Any]:
        """The subschemas that check the same value."""
        references = [self._lookup(part[name]) for name in _REFERENCES if isinstance(part.get(name), str)]
        dependent = part.get("dependentSchemas") or {}
        lists = [each for name in _HERE_LISTS for each in part.get(name, ())]
        return [*references, *dependent.values(), *lists, *(part[name] for name in _HERE if name in part)]


def _inside(part: JsonObject) -> Iterator[Any]:
    """The subschemas that check nested values, and the definitions for a `$ref`."""
    for name in _MAPS:
        if isinstance(part.get(name), dict):
            yield from part[name].values()
    yield from part.get("prefixItems", ())
    yield from (part[name] for name in _BELOW if name in part)


@lru_cache(1)
def _validator_class() -> Any:
    import jsonschema
    from jsonschema.validators import extend

    own = {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
        "uniqueItems": _unique_items,
    }
    keywords: JsonObject = dict(jsonschema.Draft202012Validator.VALIDATORS) | own
    counted = {name: _counted(function) for name, function in keywords.items()}
    return extend(jsonschema.Draft202012Validator, counted)  # type: ignore[no-untyped-call]


def _counted(function: Callable[..., Any]) -> Callable[..., Any]:
    """The keyword's check with its steps counted: one, one more per value of a list keyword, and the length of
    errors."""

    def check(validator: Any, value: Any, instance: Any, schema: Any) -> Any:
        work = _work.get()
        work.spend(1 + len(value) if isinstance(value, list) else 1)
        for error in function(validator, value, instance, schema) or ():
            work.spend(len(error.message) // _MESSAGE_CHARS_A_STEP)
            yield error

    return check


def _pattern(validator: Any, pattern: str, instance: Any, _schema: Any) -> "Iterable[jsonschema.ValidationError]":
    from jsonschema import ValidationError

    if validator.is_type(instance, "string") and not linear_pattern(pattern).is_in(instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _pattern_properties(
    validator: Any, patterns: JsonMapping, instance: Any, _schema: Any
) -> "Iterable[jsonschema.ValidationError]":
    if validator.is_type(instance, "object"):
        for pattern, schema in patterns.items():
            compiled = linear_pattern(pattern)
            _work.get().spend(len(instance))
            for name, value in instance.items():
                if compiled.is_in(name):
                    yield from validator.descend(value, schema, path=name, schema_path=pattern)


def _additional_properties(
    validator: Any, rule: Any, instance: Any, schema: JsonMapping
) -> "Iterable[jsonschema.ValidationError]":
    from jsonschema import ValidationError

    if not validator.is_type(instance, "object"):
        return
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    compiled = [linear_pattern(pattern) for pattern in patterns]
    _work.get().spend(len(instance) * len(compiled))
    extras = [name for name in instance if name not in known and not any(each.is_in(name) for each in compiled)]
    if isinstance(rule, dict):
        for name in extras:
            yield from validator.descend(instance[name], rule, path=name)
    elif not rule and extras:
        told = ", ".join(repr(name) for name in sorted(extras, key=str))
        if patterns:
            verb = "does" if len(extras) == 1 else "do"
            regexes = ", ".join(repr(pattern) for pattern in sorted(patterns))
            yield ValidationError(f"{told} {verb} not match any of the regexes: {regexes}")
        else:
            were = "was" if len(extras) == 1 else "were"
            yield ValidationError(f"Additional properties are not allowed ({told} {were} unexpected)")


def _unique_items(validator: Any, rule: Any, instance: Any, _schema: Any) -> "Iterable[jsonschema.ValidationError]":
    from jsonschema import ValidationError

    if rule and validator.is_type(instance, "array"):
        _work.get().spend(len(instance))
        if len({_key(each) for each in instance}) < len(instance):
            yield ValidationError(f"{instance!r} has non-unique elements")


def _key(value: Any) -> Any:
    """A hashable key, equal for values that JSON Schema calls equal: 1 and 1.0 are, 1 and true are not."""
    match value:
        case bool():
            return ("boolean", value)
        case dict():
            return ("object", frozenset((name, _key(each)) for name, each in value.items()))
        case list():
            return ("array", tuple(_key(each) for each in value))
        case _:
            return value
