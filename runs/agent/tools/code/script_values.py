"""Values of scripts as JSON, within bounds: a script has little memory, but its values take more of it outside."""

import json
import math
from typing import Any, Final

from runs.agent.json_data.json_values import as_storable_text

MAX_PARTS: Final = 100_000
"""Values, elements and names in one value."""
MAX_CHARS: Final = 1 << 20
MAX_DEPTH: Final = 50
MAX_BITS: Final = 12_000
"""Of an integer; Python refuses to print those with more than 4,300 digits."""


class NotJson(Exception):
    """The value cannot be JSON; the message says why."""


class JsonWriter:
    """Converts values of a script, all of one call or result together within the bounds."""

    def __init__(self, *, as_text: bool) -> None:
        """`as_text`: a value that JSON does not have becomes its text; otherwise it is refused."""
        self._as_text = as_text
        self._parts = 0
        self._chars = 0

    def json(self, value: Any, depth: int = 0) -> Any:
        """The value as JSON. Tuples and sets become lists. Raises `NotJson`."""
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise NotJson(f"it has more than {MAX_PARTS:,} parts")
        if depth > MAX_DEPTH:
            raise NotJson(f"it is nested more than {MAX_DEPTH} levels deep")
        match value:
            case dict():
                return {self._name(name): self.json(each, depth + 1) for name, each in value.items()}
            case list() | tuple() | set() | frozenset():
                return [self.json(each, depth + 1) for each in value]
            case _:
                return self._plain(value)

    def _plain(self, value: Any) -> Any:
        match value:
            case None | bool():
                return value
            case str():
                return self._text(value)
            case int() if value.bit_length() > MAX_BITS:
                raise NotJson(f"a number has more than {MAX_BITS:,} bits")
            case int():
                return value
            case float() if math.isfinite(value):
                return value
            case _ if self._as_text:
                return self._text(str(value))
            case _:
                raise NotJson(f"{_kind(value)} is no JSON value")

    def _name(self, name: object) -> str:
        if isinstance(name, str):
            return self._text(name)
        if self._as_text or isinstance(name, bool | int | float) or name is None:
            return self._text(str(name))
        raise NotJson(f"{_kind(name)} is no name of a JSON object")

    def _text(self, text: str) -> str:
        self._chars += len(text)
        if self._chars > MAX_CHARS:
            raise NotJson(f"it has more than {MAX_CHARS:,} characters")
        return as_storable_text(text)


def _kind(value: object) -> str:
    return json.dumps(value) if isinstance(value, float) else f"a value of the type {type(value).__name__}"
