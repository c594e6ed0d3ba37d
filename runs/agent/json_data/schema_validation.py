"""Validation against a JSON Schema (Draft 2020-12) in bounded time, for any schema and document.

A schema is checked when it is compiled: its size, the number of checks of one value, its patterns. The steps of a
validation are counted while it runs, because recursive schemas can still need unbounded time.
"""

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from runs.agent.json_data.json_types import JsonMapping
from runs.agent.json_data.linear_regex import TooMuchText
from runs.agent.json_data.schema_bounds import SchemaBounds
from runs.agent.json_data.schema_keywords import TooMuchToCheck, WorkBudget, validator_class, work_left

if TYPE_CHECKING:
    import jsonschema

MAX_SCHEMA_CHARS = 64 * 1024
"""Length limit of a schema as JSON."""
STEPS, STEPS_A_VALUE, MAX_STEPS = 20_000, 40, 300_000
"""Steps of one validation: a fixed part, more for each value of the document, and the maximum, which takes about a
second."""


class SchemaCheck:
    """A compiled schema."""

    def __init__(self, schema: JsonMapping) -> None:
        """Raises `ValueError` with the fault of the schema, also if its validation would not be bounded."""
        self._validator = _compiled(_as_json(schema))

    def faults(self, document: Any) -> "Iterator[jsonschema.ValidationError]":
        """The validation errors of the document. Raises `TooMuchToCheck` after a bounded time."""
        work = WorkBudget(min(MAX_STEPS, STEPS + STEPS_A_VALUE * _values_in(document)))
        errors = self._validator.iter_errors(document)
        while True:
            token = work_left.set(work)
            try:
                error = next(errors, None)
            except (RecursionError, TooMuchText) as raised:
                told = raised if isinstance(raised, TooMuchText) else "the schema refers to itself without end"
                raise TooMuchToCheck(f"This cannot be checked: {told}.") from raised
            finally:
                work_left.reset(token)
            if error is None:
                return
            yield error


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
        SchemaBounds(lambda reference: resolver.lookup(reference).contents).check(schema)
    except jsonschema.SchemaError as error:
        path = ".".join(str(part) for part in error.absolute_path)
        raise ValueError(f"This is not a JSON Schema: {f'{path}: ' if path else ''}{error.message}") from error
    except Unresolvable as error:
        raise ValueError(f"The $ref {error.ref!r} does not exist in this schema.") from error
    except RecursionError as error:
        raise ValueError("This JSON Schema is nested too deeply.") from error
    # An empty registry: a `$ref` to an address elsewhere must not be fetched.
    validator: jsonschema.protocols.Validator = validator_class()(schema, registry=Registry())
    return validator
