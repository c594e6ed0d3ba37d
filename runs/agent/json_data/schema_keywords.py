"""The keywords of JSON Schema, with their steps counted, and those that would take unbounded time replaced."""

import math
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from runs.agent.json_data.json_types import JsonMapping, JsonObject
from runs.agent.json_data.linear_regex import linear_pattern

if TYPE_CHECKING:
    import jsonschema

_MESSAGE_CHARS_A_STEP = 200


class TooMuchToCheck(ValueError):
    """The validation would take too long. The message is for the author of the document."""


class WorkBudget:
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


work_left: ContextVar[WorkBudget] = ContextVar("schema_work")


@lru_cache(1)
def validator_class() -> Any:
    """The validator of jsonschema with these keywords. Each check spends steps of `work_left`."""
    import jsonschema
    from jsonschema.validators import extend

    own = {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
        "uniqueItems": _unique_items,
        "multipleOf": _multiple_of,
    }
    keywords: JsonObject = dict(jsonschema.Draft202012Validator.VALIDATORS) | own
    counted = {name: _counted(function) for name, function in keywords.items()}
    return extend(jsonschema.Draft202012Validator, counted)  # type: ignore[no-untyped-call]


def _counted(function: Callable[..., Any]) -> Callable[..., Any]:
    """The keyword's check with its steps counted: one, one more per value of a list keyword, and the length of
    errors."""

    def check(validator: Any, value: Any, instance: Any, schema: Any) -> Any:
        work = work_left.get()
        work.spend(1 + len(value) if isinstance(value, list) else 1)
        for error in function(validator, value, instance, schema) or ():
            work.spend(len(error.message) // _MESSAGE_CHARS_A_STEP)
            yield error

    return check


def _multiple_of(validator: Any, divisor: float, instance: Any, _schema: Any) -> "Iterable[jsonschema.ValidationError]":
    """In decimal fractions, so that 0.3 is a multiple of 0.1, and a whole number of any length has an answer."""
    from jsonschema import ValidationError

    if not validator.is_type(instance, "number"):
        return
    is_finite = isinstance(instance, int) or math.isfinite(instance)
    if not is_finite or _exact(instance) % _exact(divisor):
        yield ValidationError(f"{instance!r} is not a multiple of {divisor!r}")


def _exact(number: float) -> Fraction:
    """The number as its decimal digits say it."""
    return Fraction(number) if isinstance(number, int) else Fraction(str(number))


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
            work_left.get().spend(len(instance))
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
    work_left.get().spend(len(instance) * len(compiled))
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
        work_left.get().spend(len(instance))
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
