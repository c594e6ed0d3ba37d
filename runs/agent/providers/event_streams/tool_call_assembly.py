"""Assembly of the pieces of tool calls in the chat format.

By the format each call has its own index; its first piece has the id and the full name, later ones more of the
arguments. Servers deviate: every call at index 0, the name again in each piece, no id, no index, arguments as an
object.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Final

from runs.agent.json_data.json_types import JsonObject

_MAX_LOOKS: Final = 100
"""Limit of the checks for complete arguments per call: the pieces that need one are rare, and each check parses all."""


@dataclass(slots=True)
class _AssembledCall:
    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)
    size: int = 0
    """Characters of the arguments so far."""
    looks: int = 0
    """Number of checks for complete arguments so far; each takes time linear in their length."""
    more: JsonObject = field(default_factory=dict)
    """Members outside of the format, which the provider may want back (`extra_content`)."""

    @property
    def text(self) -> str:
        return "".join(self.arguments)

    def is_whole(self) -> bool:
        """True if the arguments so far are a complete JSON object."""
        self.looks += 1
        return self.looks <= _MAX_LOOKS and _is_object(self.text)


class ToolCallAssembler:
    """The calls of one reply. A piece with another id, or with a full name after complete arguments, starts a new call;
    the same name before that is a repetition."""

    def __init__(self, tool_names: Collection[str]) -> None:
        """`tool_names` are the offered tools, used to tell a full name from a part of one."""
        self._names = frozenset(tool_names)
        self._calls: list[_AssembledCall] = []
        self._at: dict[Any, _AssembledCall] = {}

    def add(self, pieces: Any) -> list[str]:
        """Add the `tool_calls` of one chunk. Returns its texts. Anything but objects is ignored."""
        listed = pieces if isinstance(pieces, list) else [pieces]
        return [self._add(piece, place) for place, piece in enumerate(listed) if isinstance(piece, dict)]

    def as_chunks(self) -> list[JsonObject]:
        """The calls in the standard form, each with its own index."""
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

    def _add(self, piece: JsonObject, place: int) -> str:
        function = piece.get("function")
        function = function if isinstance(function, dict) else {}
        name, call_id = _text(function.get("name")), _text(piece.get("id"))
        arguments = _arguments(function.get("arguments"))
        index = piece.get("index")
        # Without an index the place in the list identifies the call; a piece without id and name belongs to the last
        # call.
        key = index if isinstance(index, int) else (place if name or call_id else self._last_key())
        call = self._at.get(key)
        if call is None or self._is_new(call, name, call_id, arguments):
            call = self._at[key] = _AssembledCall(call_id, name)
            self._calls.append(call)
        elif name and name != call.name:
            call.name += name
        call.id = call.id or call_id
        if arguments and not self._repeats(call, arguments):
            call.arguments.append(arguments)
            call.size += len(arguments)
        call.more |= {key: value for key, value in piece.items() if key not in ("index", "id", "type", "function")}
        return name + arguments

    def _repeats(self, call: _AssembledCall, arguments: str) -> bool:
        """True if the piece repeats the complete arguments, as some servers do at the end of a call."""
        is_as_long = len(arguments) == call.size and bool(call.arguments)
        return is_as_long and call.looks <= _MAX_LOOKS and arguments == call.text and call.is_whole()

    def _last_key(self) -> Any:
        return next(reversed(self._at), 0)

    def _is_new(self, call: _AssembledCall, name: str, call_id: str, arguments: str) -> bool:
        if call_id and call.id and call_id != call.id:
            return True
        if not name or (call_id and call_id == call.id):
            return False
        if name != call.name:
            # A part of the name if both parts together can begin a tool's name.
            return bool(call.arguments) or call.name in self._names or not self._may_begin_with(call.name + name)
        # The same name again: a repetition in each piece, or another call of the same tool, whose arguments begin after
        # # complete ones.
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
