"""The lines of a file of agents on which its values begin."""

import json
from bisect import bisect_right
from collections.abc import Iterator
from typing import Final


class AgentFileLines:
    """The lines of the members of a valid document."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._breaks = [at for at, char in enumerate(text) if char == "\n"]
        self._decoder = json.JSONDecoder()
        self._members = dict(self._members_at(self._skip(0))) if text.lstrip(_SPACE)[:1] == "{" else {}
        listed = self._members.get("agents")
        is_list = listed is not None and text[listed[1]] == "["
        self._agents = list(self._elements_at(listed[1])) if listed is not None and is_list else []

    def line_of(self, key: str) -> int:
        """The line of a key of the document; 1 without it."""
        return self._line(self._members[key][0]) if key in self._members else 1

    def of_agent(self, index: int) -> tuple[int, dict[str, int]]:
        """The first line of an agent, and the line of each of its keys."""
        at = self._agents[index]
        members = self._members_at(at) if self._text[at] == "{" else ()
        return self._line(at), {key: self._line(place) for key, (place, _value_at) in members}

    def _members_at(self, at: int) -> Iterator[tuple[str, tuple[int, int]]]:
        """Each key of the object at this place, with the places of the key and of its value."""
        at = self._skip(at + 1)
        while self._text[at] != "}":
            key, end = self._decoder.raw_decode(self._text, at)
            value_at = self._skip(self._skip(end) + 1)
            yield key, (at, value_at)
            at = self._next(value_at)

    def _elements_at(self, at: int) -> Iterator[int]:
        at = self._skip(at + 1)
        while self._text[at] != "]":
            yield at
            at = self._next(at)

    def _next(self, at: int) -> int:
        """The place of the next member or element, or of the closing bracket, after the value at this place."""
        _value, end = self._decoder.raw_decode(self._text, at)
        end = self._skip(end)
        return self._skip(end + 1) if self._text[end] == "," else end

    def _skip(self, at: int) -> int:
        while self._text[at] in _SPACE:
            at += 1
        return at

    def _line(self, at: int) -> int:
        return bisect_right(self._breaks, at) + 1


_SPACE: Final = " \t\r\n"
