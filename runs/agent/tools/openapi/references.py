"""The local references of a document."""

from typing import Any, Final
from urllib.parse import unquote

from runs.agent.json_data.json_types import JsonObject

MOST_HOPS: Final = 20
"""References that lead to references."""


class UnusableOperation(ValueError):
    """The operation cannot become a tool. The message says why, for staff."""


class References:
    """What the references of a document stand for."""

    def __init__(self, document: JsonObject) -> None:
        self._document = document

    def lookup(self, reference: str) -> Any:
        """What is at the reference. Raises `UnusableOperation` for another document, and for nothing."""
        if not reference.startswith("#"):
            raise UnusableOperation(f"It refers to another document, {reference[:200]!r}, which is not read.")
        found: Any = self._document
        for part in unquote(reference[1:]).split("/")[1:]:
            found = _member(found, part.replace("~1", "/").replace("~0", "~"))
            if found is None:
                raise UnusableOperation(f"It refers to {reference[:200]!r}, which the document does not have.")
        return found

    def resolved(self, value: Any) -> JsonObject:
        """The object that `value` is, or refers to. Raises `UnusableOperation`."""
        for _ in range(MOST_HOPS):
            if not isinstance(value, dict):
                raise UnusableOperation("It has a part that is not an object.")
            if not isinstance(reference := value.get("$ref"), str):
                return value
            value = self.lookup(reference)
        raise UnusableOperation(f"It has references that lead to others more than {MOST_HOPS} times.")


def as_object(value: Any) -> JsonObject:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def _member(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return value.get(name)
    if isinstance(value, list) and name.isascii() and name.isdigit() and len(name) < 9 and int(name) < len(value):
        return value[int(name)]
    return None
