"""The pieces of tool calls in the chat format, put together.

The format says: each call has an index of its own; its first piece has the id and the whole name, later ones more of
the arguments. Servers deviate: every call at index 0, the name again in each piece, no id, no index, arguments as an
object.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Final

_MAX_LOOKS: Final = 100
"""A piece that begins with a brace and has the name once more is rare: who sends many wastes nobody's time."""


@dataclass(slots=True)
class _Call:
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)
    size: int = 0
    """Characters of the arguments so far."""
    looks: int = 0
    """How often it was looked whether the arguments are whole, which costs as much as they are long."""
    more: dict[str, Any] = field(default_factory=dict)
    """Members the format does not know, which the provider may want back (`extra_content`)."""

    @property
    def text(self) -> str:
        return "".join(self.arguments)

    def is_whole(self) -> bool:
        """True if the arguments are a JSON object already."""
        self.looks += 1
        return self.looks <= _MAX_LOOKS and _is_object(self.text)


class ToolCallAssembler:
    """The calls of one reply. A piece with another id, or with a whole name once more after whole arguments, is a new
    call; the same name once more is a repetition."""

    def __init__(self, tool_names: Collection[str]) -> None:
        """`tool_names` are those the request offers: they tell a whole name from a piece of one."""
        self._names = frozenset(tool_names)
        self._calls: list[_Call] = []
        self._at: dict[Any, _Call] = {}

    def add(self, pieces: Any) -> list[str]:
        """Take in the `tool_calls` of one chunk; what was written in it. What is no list of objects is left out."""
        listed = pieces if isinstance(pieces, list) else [pieces]
        return [self._add(piece, place) for place, piece in enumerate(listed) if isinstance(piece, dict)]

    def as_chunks(self) -> list[dict[str, Any]]:
        """Every call with an index of its own, as a client expects it."""
        return [
            {
                **call.more,
                "index": index,
                "id": call.id or f"call_{index}",
                "type": "function",
                "function": {"name": call.name, "arguments": call.text},
            }
            for index, call in enumerate(self._calls)
        ]

    def _add(self, piece: dict[str, Any], place: int) -> str:
        function = piece.get("function")
        function = function if isinstance(function, dict) else {}
        name, call_id = _text(function.get("name")), _text(piece.get("id"))
        arguments = _arguments(function.get("arguments"))
        index = piece.get("index")
        # Without an index the place in the list says which; a lone piece belongs to the call before it.
        key = index if isinstance(index, int) else (place if name or call_id else self._last_key())
        call = self._at.get(key)
        if call is None or self._is_new(call, name, call_id, arguments):
            call = self._at[key] = _Call(call_id, name)
            self._calls.append(call)
        elif name and name != call.name:
            call.name += name
        call.id = call.id or call_id
        if arguments and not self._repeats(call, arguments):
            call.arguments.append(arguments)
            call.size += len(arguments)
        call.more |= {key: value for key, value in piece.items() if key not in ("index", "id", "type", "function")}
        return name + arguments

    def _repeats(self, call: _Call, arguments: str) -> bool:
        """True if the whole arguments come once more, as some servers end a call."""
        is_as_long = len(arguments) == call.size and bool(call.arguments)
        return is_as_long and call.looks <= _MAX_LOOKS and arguments == call.text and call.is_whole()

    def _last_key(self) -> Any:
        return next(reversed(self._at), 0)

    def _is_new(self, call: _Call, name: str, call_id: str, arguments: str) -> bool:
        if call_id and call.id and call_id != call.id:
            return True
        if not name or (call_id and call_id == call.id):
            return False
        if name != call.name:
            # A piece of the name, if the two together can be one.
            return bool(call.arguments) or call.name in self._names or not self._may_begin_with(call.name + name)
        # The same name once more: a repetition in each piece, or another call of the same tool, whose arguments begin
        # anew after whole ones.
        return arguments.lstrip().startswith("{") and not self._repeats(call, arguments) and call.is_whole()

    def _may_begin_with(self, text: str) -> bool:
        return any(name.startswith(text) for name in self._names)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _arguments(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False)


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
