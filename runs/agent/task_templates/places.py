"""The places `{{ name }}` in the task of a template, found in one pass over the text.

`{{{{` is written as two literal braces. A single brace, also before a place, and `}}` outside of one need no escape.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from runs.agent.visible_text import exact
from runs.agent.wording import Wording

BEGINNING: Final = "{{"
END: Final = "}}"
ESCAPED: Final = BEGINNING * 2
MAX_NAME_CHARS: Final = 40
_SEARCHED_CHARS: Final = 200
"""A place ends within so many characters of its beginning, which keeps the pass linear."""
MOST_FAULTS: Final = 20
"""Faults of a task that are told: one of 256 KiB can have 80,000."""
_SHOWN_CHARS: Final = 40


@dataclass(frozen=True, slots=True)
class Place:
    """A place for the value of an input."""

    name: str
    line: int
    """Counted from 1."""


@dataclass(frozen=True, slots=True)
class PlaceFault:
    """Two braces that begin no place."""

    line: int
    words: Wording


@dataclass(frozen=True, slots=True)
class TaskText:
    """The task of a template as literal texts and places, in order."""

    parts: tuple[str | Place, ...]
    faults: tuple[PlaceFault, ...]

    @property
    def places(self) -> dict[str, Place]:
        """The first place of each name, in the order of the text."""
        found: dict[str, Place] = {}
        for part in self.parts:
            if isinstance(part, Place):
                found.setdefault(part.name, part)
        return found

    def filled_bytes(self, values: Mapping[str, str]) -> int:
        """How long the task with these values is in UTF-8, found without making it: a task of 50,000 places for one
        long value has gigabytes. Raises `KeyError` as `filled`."""
        sizes = {name: len(values[name].encode(errors="replace")) for name in self.places}
        return sum(sizes[part.name] if isinstance(part, Place) else len(part.encode()) for part in self.parts)

    def filled(self, values: Mapping[str, str]) -> str:
        """The task with the value of each place. Values are not read again: braces in them stay as they are. Raises
        `KeyError` for a place without a value."""
        return "".join(values[part.name] if isinstance(part, Place) else part for part in self.parts)


def read_task(text: str) -> TaskText:
    """The parts of a task, and the first faults in it."""
    parts: list[str | Place] = []
    faults: list[PlaceFault] = []
    at, line = 0, 1
    while (begins := text.find(BEGINNING, at)) >= 0:
        parts.append(text[at:begins])
        line += text.count("\n", at, begins)
        if text.startswith(ESCAPED, begins):
            parts.append(BEGINNING)
            at = begins + len(ESCAPED)
            continue
        if text.startswith("{", begins + len(BEGINNING)):
            # Three braces: one that is literal, and the beginning of a place.
            parts.append("{")
            begins += 1
        ends = text.find(END, begins + len(BEGINNING), begins + _SEARCHED_CHARS)
        inside = text[begins + len(BEGINNING) : ends] if ends >= 0 else None
        name = None if inside is None else _name_in(inside)
        if name is None:
            if len(faults) < MOST_FAULTS:
                faults.append(PlaceFault(line, _words(line, inside)))
            at = begins + len(BEGINNING)
        else:
            parts.append(Place(name, line))
            at = ends + len(END)
            line += text.count("\n", begins, at)
    return TaskText((*parts, text[at:]), tuple(faults))


def escaped(text: str) -> str:
    """The text as the task of a template that has no places."""
    return text.replace(BEGINNING, ESCAPED)


def is_name(text: str) -> bool:
    """True for a name that an input may have: an identifier of at most 40 characters, in any alphabet."""
    return len(text) <= MAX_NAME_CHARS and text.isidentifier() and unicodedata.is_normalized("NFKC", text)


def _name_in(inside: str) -> str | None:
    # Keyboards compose letters in different ways, and a person sees one name.
    name = unicodedata.normalize("NFKC", inside.strip())
    return name if is_name(name) else None


def _words(line: int, inside: str | None) -> Wording:
    if inside is None:
        return Wording("Line %(line)s: {{ has no }} after it. Write {{{{ for two braces.", line=str(line))
    what = exact(inside.strip()[:_SHOWN_CHARS])
    if not what:
        return Wording("Line %(line)s: The place {{ }} names no input.", line=str(line))
    return Wording(
        "Line %(line)s: “%(name)s” is no name of an input: at most 40 letters, digits and _, and no digit first. Write "
        "{{{{ for two braces.",
        line=str(line),
        name=what,
    )
