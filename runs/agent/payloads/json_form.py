"""The serializer of payloads: dataclass to stored JSON and back.

A field without a default is always written; a field with a default is written if it has another value. JSON of earlier
and later versions can be read: a missing or invalid value becomes the field's default, or the blank value of its type.
"""

import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from operator import attrgetter
from typing import Any, Final, Literal, TypeVar, get_args, get_origin

from runs.agent.payloads.absent import ABSENT, Absent
from runs.agent.payloads.steps import CallBeside, OtherPayload

T = TypeVar("T")

_ALWAYS: Final = object()
_AS_THEY_ARE: Final = frozenset({str, int, float, bool, type(None), dict})
_WRONG: Final = object()
_TOO_LARGE: Final = 2**63
ReadValue = Callable[[object], object]
"""Converts a JSON value to the field's type; `_WRONG` if it is invalid."""


def as_json(told: object) -> dict[str, Any]:
    """The JSON object of a payload, of a part of one, or of `StepFields`."""
    written: dict[str, Any] = dict(told.told) if isinstance(told, OtherPayload) else {}
    written_fields, values_of = _written(type(told)), _values_of(type(told))  # type: ignore[arg-type]  # mypy takes no type for hashable.
    # Two calls for every step: `attrgetter` reads all values at once.
    for (name, default), value in zip(written_fields, values_of(told), strict=True):
        if value is not default and (default is _ALWAYS or value != default):
            written[name] = value if type(value) in _AS_THEY_ARE else _plain(value)
    return written


def add_calls(stored: dict[str, Any], calls: Iterable[CallBeside]) -> None:
    """Add a turn's calls to the stored JSON of a call's payload."""
    stored["calls"] = [as_json(each) for each in calls]


def from_json(kind: type[T], told: Mapping[str, object]) -> T:
    """The payload, or a part of one, from a JSON object. Invalid content never raises."""
    values: dict[str, Any] = {}
    for name, read, blank in _readers(kind):  # type: ignore[arg-type]  # As above.
        value = read(told[name]) if name in told else _WRONG
        if value is not _WRONG:
            values[name] = value
        elif blank is not _WRONG:
            values[name] = blank
    return kind(**values)


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return as_json(value) if is_dataclass(value) else value


@cache
def _values_of(kind: type[Any]) -> Callable[[object], tuple[object, ...]]:
    """A function that returns all written fields as a tuple; `attrgetter` makes no tuple for fewer than two names."""
    if issubclass(kind, tuple):
        return tuple  # type: ignore[return-value]  # A named tuple is its values.
    names = [name for name, _ in _written(kind)]  # type: ignore[arg-type]  # As above.
    if len(names) < 2:
        return lambda told: tuple(getattr(told, name) for name in names)
    return attrgetter(*names)


@cache
def _written(kind: type[Any]) -> tuple[tuple[str, object], ...]:
    """The field names of a class, each with the value that is not written."""
    if (defaults := getattr(kind, "_field_defaults", None)) is not None:
        return tuple(defaults.items())  # of a named tuple
    return tuple(
        (each.name, _ALWAYS if each.default is MISSING or not each.init else each.default)
        for each in fields(kind)
        if each.default_factory is MISSING
    )


@cache
def _readers(kind: type[Any]) -> tuple[tuple[str, ReadValue, object], ...]:
    """The field names of a class, each with its reader and blank value; the blank is `_WRONG` if there is a default."""
    hints = typing.get_type_hints(kind)
    found = []
    for each in fields(kind):
        if each.init:
            read, blank = _reader(hints[each.name])
            found.append((each.name, read, blank if each.default is MISSING else _WRONG))
    return tuple(found)


def _reader(hint: Any) -> tuple[ReadValue, object]:
    """The reader of a type, and the type's blank value."""
    if get_origin(hint) in (types.UnionType, typing.Union):
        return _optional(hint)
    if get_origin(hint) is tuple:
        return _sequence(get_args(hint)[0]), ()
    if get_origin(hint) is dict:
        return _object, {}
    if get_origin(hint) is Literal:
        return _text, ""
    return _SIMPLE[hint] if hint in _SIMPLE else (_part(hint), None)


def _optional(hint: object) -> tuple[ReadValue, object]:
    (known,) = [each for each in get_args(hint) if each not in (type(None), Absent)]
    read, _ = _reader(known)
    return lambda value: None if value is None else read(value), None


def _sequence(hint: object) -> ReadValue:
    read, _ = _reader(hint)

    def sequence(value: object) -> object:
        if not isinstance(value, Sequence) or isinstance(value, str):
            return _WRONG
        return tuple(item for each in value if (item := read(each)) is not _WRONG)

    return sequence


def _part(kind: type[Any]) -> ReadValue:
    return lambda value: from_json(kind, value) if isinstance(value, dict) else _WRONG


def _text(value: object) -> object:
    if isinstance(value, str):
        return value
    return _WRONG if _number(value) is _WRONG else str(value)


def _number(value: object) -> object:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return _WRONG
    # Infinity, NaN and integers of a thousand digits would raise errors later.
    return value if abs(value) < _TOO_LARGE else _WRONG


def _whole_number(value: object) -> object:
    number = _number(value)
    return int(number) if isinstance(number, int | float) else _WRONG


def _object(value: object) -> object:
    return value if isinstance(value, dict) else _WRONG


_SIMPLE: Final[dict[object, tuple[ReadValue, object]]] = {
    Any: (lambda value: value, ABSENT),
    str: (_text, ""),
    bool: (bool, False),
    int: (_whole_number, 0),
    float: (_number, 0.0),
}
