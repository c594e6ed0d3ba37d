"""The faults that pydantic finds in what a client sent, in the words of the API."""

import reprlib
from collections.abc import Iterable
from typing import Final

from runs.agent.json_data.json_types import JsonMapping

MOST_FAULTS: Final = 20
"""Of one request: a body of a thousand wrong fields is not answered with a thousand sentences."""
LONGEST_VALUE: Final = 80
"""Characters of a wrong value that a message repeats."""
_TYPES: Final = frozenset(
    {"str", "int", "float", "bool", "none", "dict", "list", "decimal", "uuid"}
    | {"constrained-str", "constrained-int", "constrained-float"}
)
"""Names of types in the place of a fault, for the alternatives of a union. No field is named so."""
_KINDS: Final = {
    "string": "a text",
    "int": "a whole number",
    "float": "a number",
    "finite": "a finite number",
    "decimal": "a number",
    "bool": "true or false",
    "dict": "an object",
    "model": "an object",
    "list": "a list",
    "uuid": "an id, such as 0195fd2c-7f3e-7cc1-9d3a-2f1b8f5c6a70",
    "date": "a date, such as 2026-11-22",
    "datetime": "a time, such as 2026-11-22T08:30:00Z",
}
"""What is wanted, by the first word of the type of a fault, such as `int_parsing`."""

_values = reprlib.Repr()
# Of a value that is nested more deeply, `repr` itself would fail.
_values.maxlevel, _values.maxstring, _values.maxother = 4, LONGEST_VALUE + 20, LONGEST_VALUE + 20


def faults_in_words(faults: Iterable[JsonMapping], whole: str) -> str:
    """`overrides.max_turns: Send at most 1000, not 5000.`: a line for each field, what is accepted, and what was sent.
    The faults of the alternatives of one field are one line, and `whole` names what has no field.

    `faults` are pydantic's, with their context and input.
    """
    by_field: dict[str, list[JsonMapping]] = {}
    for fault in faults:
        by_field.setdefault(_field_of(fault), []).append(fault)
    lines = [f"{name or whole}: {_told(found)}" for name, found in list(by_field.items())[:MOST_FAULTS]]
    if len(by_field) > MOST_FAULTS:
        lines.append(f"And {len(by_field) - MOST_FAULTS} more.")
    return "\n".join(lines)


def _field_of(fault: JsonMapping) -> str:
    # The last part of a place may be an alternative of a union: the name of a type, which is no field.
    parts = [str(part)[:LONGEST_VALUE] for part in fault["loc"]]
    return ".".join(part for part in parts if part not in _TYPES and "[" not in part)


def _told(faults: list[JsonMapping]) -> str:
    first = faults[0]
    match first["type"]:
        case "missing":
            return "It is required."
        case "extra_forbidden":
            return "There is no such field."
    wanted = [each for each in map(_wanted, faults) if each]
    if wanted:
        return f"Send {' or '.join(dict.fromkeys(wanted))}, not {_sent(first)}."
    return f"{str(first['msg']).removeprefix('Value error, ').rstrip('.')}, not {_sent(first)}."


def _wanted(fault: JsonMapping) -> str:
    """What is accepted in its place; empty for a rule of our own, whose message says it."""
    limits = fault.get("ctx") or {}
    match fault["type"]:
        case "too_short" | "string_too_short":
            return f"at least {_counted(limits['min_length'], fault['input'])}"
        case "too_long" | "string_too_long":
            return f"at most {_counted(limits['max_length'], fault['input'])}"
        case "greater_than_equal":
            return f"at least {_plain(limits['ge'])}"
        case "less_than_equal":
            return f"at most {_plain(limits['le'])}"
        case "greater_than":
            return f"more than {_plain(limits['gt'])}"
        case "less_than":
            return f"less than {_plain(limits['lt'])}"
        case "literal_error" | "enum":
            return str(limits["expected"])
    return _KINDS.get(str(fault["type"]).partition("_")[0], "")


def _plain(bound: object) -> object:
    """`300` for a bound that pydantic keeps as 300.0."""
    return int(bound) if isinstance(bound, float) and bound.is_integer() else bound


def _counted(limit: int, value: object) -> str:
    """`8` items, or `8 characters` of a text."""
    if not isinstance(value, str):
        return str(limit)
    return f"{limit} character{'' if limit == 1 else 's'}"


def _sent(fault: JsonMapping) -> str:
    if fault["type"] in ("too_short", "too_long", "string_too_short", "string_too_long"):
        actual = (fault.get("ctx") or {}).get("actual_length")
        if isinstance(fault["input"], str):
            actual = len(fault["input"])
        return "more" if actual is None else str(actual)
    value = _values.repr(fault["input"])
    return value if len(value) <= LONGEST_VALUE else f"{value[:LONGEST_VALUE]}…"
