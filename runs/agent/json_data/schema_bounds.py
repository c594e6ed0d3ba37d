"""The check that validation with a JSON Schema takes bounded time."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from runs.agent.json_data.json_types import JsonObject
from runs.agent.json_data.linear_regex import linear_pattern

if TYPE_CHECKING:
    pass

MAX_AT_ONE_PLACE = 1_000
"""Checks of one value by `allOf`, `anyOf`, `$ref` and the like, with all nested ones expanded."""
_MAPS = ("properties", "patternProperties", "$defs", "definitions")
_BELOW = ("items", "additionalProperties", "unevaluatedProperties", "unevaluatedItems", "contains", "propertyNames")
_HERE = ("not", "if", "then", "else")
_HERE_LISTS = ("allOf", "anyOf", "oneOf")
_REFERENCES = ("$ref", "$dynamicRef")


class SchemaBounds:
    """The check that validation with a schema is bounded. It visits every part once."""

    def __init__(self, lookup: Callable[[str], Any]) -> None:
        self._lookup = lookup
        self._known: dict[int, int] = {}
        self._open: set[int] = set()
        self._has: set[str] = set()

    def check(self, schema: Any) -> None:
        """Raise `ValueError` for a schema whose validation would not be bounded."""
        waiting = [schema]
        while waiting:
            part = waiting.pop()
            if not isinstance(part, dict) or id(part) in self._known:
                continue
            self._checks_at_one_place(part)
            self._has |= part.keys()
            if isinstance(pattern := part.get("pattern"), str):
                linear_pattern(pattern)
            for pattern in part.get("patternProperties", ()):
                linear_pattern(pattern)
            waiting += [*_inside(part), *self._here(part)]
        if "patternProperties" in self._has and "unevaluatedProperties" in self._has:
            raise ValueError("unevaluatedProperties together with patternProperties cannot be checked in bounded time.")

    def _checks_at_one_place(self, part: Any) -> int:
        if not isinstance(part, dict):
            return 1
        if id(part) in self._open:
            raise ValueError("A $ref of this schema refers back to itself for the same value, so a check never ends.")
        if id(part) not in self._known:
            self._open.add(id(part))
            count = 1 + sum(map(self._checks_at_one_place, self._here(part)))
            self._open.discard(id(part))
            if count > MAX_AT_ONE_PLACE:
                raise ValueError(f"This schema asks for more than {MAX_AT_ONE_PLACE:,} checks of one value.")
            self._known[id(part)] = count
        return self._known[id(part)]

    def _here(self, part: JsonObject) -> list[Any]:
        """The subschemas that check the same value."""
        references = [self._lookup(part[name]) for name in _REFERENCES if isinstance(part.get(name), str)]
        dependent = part.get("dependentSchemas") or {}
        lists = [each for name in _HERE_LISTS for each in part.get(name, ())]
        return [*references, *dependent.values(), *lists, *(part[name] for name in _HERE if name in part)]


def _inside(part: JsonObject) -> Iterator[Any]:
    """The subschemas that check nested values, and the definitions for a `$ref`."""
    for name in _MAPS:
        if isinstance(part.get(name), dict):
            yield from part[name].values()
    yield from part.get("prefixItems", ())
    yield from (part[name] for name in _BELOW if name in part)
