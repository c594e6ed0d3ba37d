"""Tool outputs that are too large to be converted at once: read piece by piece, counted, and cut.

A value is written as JSON in a thread, in small pieces, of which the beginning is kept. Memory stays the same however
much there is, also for an iterator without an end and a list that contains itself.
"""

import json
import time
from collections import deque
from collections.abc import Iterable, Iterator
from io import IOBase
from typing import Any, Final

import pydantic_core

from runs.agent.tools.output_limit import MAX_OUTPUT_BYTES, BoundedText, pieces_of, text_of_bytes

SMALL: Final = 1 << 18
"""The most weight of an output that is converted in the event loop, in some 20 ms."""
VALUE_WEIGHT: Final = 8
"""Of a value besides its text."""
TOGETHER: Final = 1 << 14
"""The same of members of an output that are written at once."""
MOST_PARTS: Final = 4_000_000
"""Values of an output that are looked at, in some two seconds."""
MOST_BYTES: Final = 256 << 20
"""Of JSON that is written and counted. Of a text or bytes all is counted: it is in memory already."""
MOST_NESTED: Final = 250
SLICE_S: Final = 0.004
PAUSE_S: Final = 0.001
"""After each slice: another thread would wait for the interpreter's lock 5 ms each time it needs it."""
_encode = json.JSONEncoder(allow_nan=False, ensure_ascii=False).encode


def weight_of(output: Any, most: int = SMALL) -> int | None:
    """Roughly the bytes of an output; None for more than `most`, and for an iterator, whose size is not known."""
    weight, left = 0, [iter((output,))]
    while left:
        for value in left[-1]:
            weight += VALUE_WEIGHT
            match value:
                case str() | bytes() | bytearray():
                    weight += len(value)
                case memoryview():
                    weight += value.nbytes
                case None | bool() | int() | float():
                    pass
                case _ if hasattr(value, "__next__"):
                    return None
                case _ if (members := _values_in(value)) is not None:
                    left.append(iter(members))
                    break
            if weight > most:
                return None
        else:
            left.pop()
        # A list that contains itself has no end, and no bottom.
        if weight > most or len(left) > MOST_NESTED:
            return None
    return weight


def _values_in(value: Any) -> Iterable[Any] | None:
    """The values in a value; None for a plain one."""
    match value:
        case dict():
            return (each for pair in value.items() for each in pair)
        case list() | tuple() | set() | frozenset() | deque():
            return value
    kind = type(value)
    fields = getattr(kind, "__pydantic_fields__", None) or getattr(kind, "__dataclass_fields__", None)
    return None if fields is None else (getattr(value, name, None) for name in fields)


class LargeOutput:
    """One output, to be converted once, outside of the event loop."""

    def __init__(self, output: Any) -> None:
        self._output = output
        self._parts = 0
        self._is_stopped = False
        self._goes_on = False

    def stop(self) -> None:
        """Let `as_json` end soon if it still reads. Thread-safe."""
        self._is_stopped = True

    def as_json(self) -> Any:
        """The output as JSON if that has at most `MAX_OUTPUT_BYTES`, else its beginning as a text. Raises `ValueError`
        and `TypeError` for what cannot be JSON."""
        output, self._output = self._output, None
        match output:
            case str():
                return self._read(pieces_of(output)).text(goes_on=self._goes_on)
            case bytes() | bytearray() | memoryview():
                return self._read(text_of_bytes(output)).text(goes_on=self._goes_on)
        text = self._read(self._written(output, 0))
        if text.size <= MAX_OUTPUT_BYTES and not self._goes_on:
            return json.loads(text.beginning())
        return text.text(goes_on=self._goes_on)

    def _read(self, pieces: Iterator[str]) -> BoundedText:
        text = BoundedText()
        began = time.monotonic()
        for piece in pieces:
            if time.monotonic() - began > SLICE_S:
                time.sleep(PAUSE_S)
                began = time.monotonic()
            if self._is_stopped or self._parts > MOST_PARTS or (self._parts and text.size > MOST_BYTES):
                self._goes_on = True
                break
            text.add(piece)
        return text

    def _written(self, value: Any, depth: int) -> Iterator[str]:
        self._parts += 1
        if depth > MOST_NESTED:
            raise ValueError(f"It is nested more than {MOST_NESTED} levels deep, or contains itself.")
        match value:
            case str():
                yield from _quoted(pieces_of(value))
            case bytes() | bytearray() | memoryview():
                yield from _quoted(text_of_bytes(value))
            case None | bool() | int() | float():
                yield _encode(value)
            case IOBase():
                yield from self._members(_lines(value), depth)
            case dict() | list() | tuple() | set() | frozenset() | deque():
                yield from self._members(value, depth)
            case _ if hasattr(value, "__next__"):
                yield from self._members(value, depth)
            case _:
                # A model or the like, in the form that it states itself.
                yield from self._written(pydantic_core.to_jsonable_python(value), depth + 1)

    def _members(self, values: Iterable[Any], depth: int) -> Iterator[str]:
        """A list, or an object for a dictionary. Small members are written together."""
        opening, closing, pairs = ("{", "}", values.items()) if isinstance(values, dict) else ("[", "]", None)
        batch: list[Any] = []
        weight = 0
        yield opening
        comma = ""
        for each in values if pairs is None else pairs:
            if self._is_stopped:
                self._goes_on = True
                return
            its_weight = weight_of(each, TOGETHER)
            if its_weight is not None:
                batch.append(each)
                weight += its_weight
            if batch and (its_weight is None or weight > TOGETHER):
                self._parts += weight // VALUE_WEIGHT
                yield f"{comma}{self._together(batch, depth, is_object=pairs is not None)}"
                batch, weight, comma = [], 0, ", "
            if its_weight is None:
                yield comma
                yield from self._written(each, depth + 1) if pairs is None else self._pair(each[0], each[1], depth)
                comma = ", "
        if batch:
            yield f"{comma}{self._together(batch, depth, is_object=pairs is not None)}"
        yield closing

    def _together(self, members: list[Any], depth: int, *, is_object: bool) -> str:
        try:
            written: str = _encode(pydantic_core.to_jsonable_python(dict(members) if is_object else members))
            return written[1:-1]
        except (ValueError, TypeError):  # bytes that are no text; or nothing that JSON has, which will be told below
            if is_object:
                return ", ".join("".join(self._pair(name, each, depth)) for name, each in members)
            return ", ".join("".join(self._written(each, depth + 1)) for each in members)

    def _pair(self, name: Any, value: Any, depth: int) -> Iterator[str]:
        yield from _quoted(_name(name))
        yield ": "
        yield from self._written(value, depth + 1)


def _lines(file: Any) -> Iterator[Any]:
    """The lines of a file, the longest in pieces: a device may have one without an end."""
    while line := file.readline(MAX_OUTPUT_BYTES):
        yield line


def _name(name: Any) -> Iterator[str]:
    match name:
        case str():
            return pieces_of(name)
        case bytes():
            return text_of_bytes(name)
    [text] = pydantic_core.to_jsonable_python({name: None})
    return pieces_of(text)


def _quoted(pieces: Iterable[str]) -> Iterator[str]:
    """The text of the pieces as a JSON string."""
    yield '"'
    for piece in pieces:
        yield _encode(piece)[1:-1]
    yield '"'
