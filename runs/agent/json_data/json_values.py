"""Text and JSON from outside, checked or converted to values that every database can store.

Parsers accept what databases refuse: NUL characters, lone surrogates, numbers that are not finite, values nested
thousands deep. `plain_json` repairs or refuses them in the output of models, `check_storable_text` and
`check_storable_json` refuse them in the input of a person or a program, and `as_storable_text` and
`as_storable_json` replace them where no sender can correct them.
"""

import json
import math
from typing import Any, Final

from runs.agent.json_data.json_types import JsonObject
from runs.agent.visible_text import exact

MAX_DEPTH: Final = 100
"""Levels of nested lists and objects. Databases stop at 1,000, and Python's recursion limit is near that."""

MAX_DIGITS: Final = 4300
"""Of an integer: Python refuses to print and to parse longer ones."""
_FIRST_TOO_LONG: Final = 10**MAX_DIGITS
_ALWAYS_PRINTABLE_BITS: Final = _FIRST_TOO_LONG.bit_length() - 1


class DuplicateName(ValueError):
    """A JSON object has a name twice, so its value is ambiguous."""


def plain_json(value: Any, *, max_depth: int = MAX_DEPTH) -> Any:
    """The parsed JSON with a question mark in place of each lone surrogate.

    Raises `ValueError` for numbers that are not finite (`NaN`, `1e999`), which Python parses but JSON does not have,
    and for a nesting deeper than `max_depth`.
    """
    match value:
        case str():
            return _without_surrogates(value)
        case float() if not math.isfinite(value):
            raise ValueError(f"{value} is not a JSON number.")
        case dict() | list() if max_depth < 1:
            raise ValueError("The JSON is nested too deeply.")
        case dict():
            return {plain_json(name): plain_json(each, max_depth=max_depth - 1) for name, each in value.items()}
        case list():
            return [plain_json(each, max_depth=max_depth - 1) for each in value]
        case _:
            return value


def is_printable(number: int) -> bool:
    """False for an integer of more than `MAX_DIGITS` digits."""
    return number.bit_length() <= _ALWAYS_PRINTABLE_BITS or -_FIRST_TOO_LONG < number < _FIRST_TOO_LONG


def check_storable_text(text: str) -> str:
    """Return the text. Raises `ValueError` for NUL, which PostgreSQL refuses, and for a lone surrogate."""
    if "\x00" in text:
        raise ValueError("The NUL character cannot be stored")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("A lone surrogate is not a character") from error
    return text


def check_storable_json(value: Any, depth: int = 0) -> Any:
    """Return the value. Raises `ValueError` as `check_storable_text`, for a number that is not finite, and for a
    nesting deeper than `MAX_DEPTH`."""
    if depth > MAX_DEPTH:
        raise ValueError(f"Lists and objects nested more than {MAX_DEPTH} levels deep cannot be stored")
    match value:
        case str():
            return check_storable_text(value)
        case float() if not math.isfinite(value):
            raise ValueError("A number that is not finite cannot be stored")
        case dict():
            return {check_storable_text(name): check_storable_json(each, depth + 1) for name, each in value.items()}
        case list():
            return [check_storable_json(each, depth + 1) for each in value]
        case _:
            return value


def check_unique_names(text: str) -> None:
    """Raise `DuplicateName` if an object in the JSON `text` has a name twice; `ValueError` or `RecursionError` as
    `json.loads` does."""
    json.loads(text, object_pairs_hook=unique_object)


def unique_object(pairs: list[tuple[str, Any]]) -> JsonObject:
    """The object of the names and values: for `object_pairs_hook`. Raises `DuplicateName`."""
    made: JsonObject = {}
    for name, value in pairs:
        if name in made:
            raise DuplicateName(f"The name {exact(name)[:80]!r} appears twice. Keep one of them")
        made[name] = value
    return made


def as_storable_text(text: str) -> str:
    """The text with `?` in place of a lone surrogate and `�` in place of NUL: models send them, databases refuse
    them."""
    if "\0" in text:
        text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    return text if text.isascii() else _without_surrogates(text)


def as_storable_json(value: Any) -> Any:
    """The JSON value with its strings and names as by `as_storable_text`, and numbers that are not finite as
    strings."""
    match value:
        case str():
            return as_storable_text(value)
        case float() if not math.isfinite(value):
            return str(value)
        case dict():
            return {as_storable_json(name): as_storable_json(each) for name, each in value.items()}
        case list() | tuple():
            return [as_storable_json(each) for each in value]
        case _:
            return value


def _without_surrogates(text: str) -> str:
    return text if text.isascii() else text.encode(errors="replace").decode()
