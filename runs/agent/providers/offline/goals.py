"""Goals: what a clause asks for, as one tool call and one sentence of the answer."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["number", "date", "other"]
"""What a goal's value may be used for by a later clause."""


@dataclass(frozen=True, slots=True)
class Ref:
    """Stands in an argument for the value of an earlier goal."""

    goal: int


@dataclass(frozen=True, slots=True)
class Expression:
    """Arithmetic in which `#n` stands for the value of goal n."""

    text: str

    @property
    def refs(self) -> frozenset[int]:
        """The goals it needs."""
        return frozenset(map(int, re.findall(r"#(\d+)", self.text)))

    def filled(self, values: Mapping[int, Any]) -> str:
        """The expression with the values in place; negative ones in brackets."""
        return re.sub(r"#(\d+)", lambda match: _operand(values[int(match[1])]), self.text)


def _operand(value: float) -> str:
    return f"({value})" if value < 0 else str(value)


Sentence = Callable[[Mapping[str, Any], Any], str]
"""Tells a result: given the call's arguments and its output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """One tool call, what it is for, and how its result is told."""

    clause: str
    """The user's words it was read from."""
    rule: str
    """The name of the rule that read it."""
    tool_name: str
    arguments: Mapping[str, Any]
    """JSON values, `Ref`s and `Expression`s."""
    say: Sentence
    kind: Kind = "number"
    value: Callable[[Any], Any] = lambda output: output
    """The output's part that a later clause means by "the result"."""
    unit: str = ""
    """The unit of the value, so that "convert it to km" knows where to start."""
    is_step: bool = False
    """True for a look that only another goal needs, such as today's date. Its result is not told by itself."""

    @property
    def needs(self) -> frozenset[int]:
        """The earlier goals whose values it uses."""
        found: set[int] = set()
        for argument in self.arguments.values():
            if isinstance(argument, Ref):
                found.add(argument.goal)
            elif isinstance(argument, Expression):
                found |= argument.refs
        return frozenset(found)

    def filled(self, values: Mapping[int, Any]) -> dict[str, Any]:
        """The arguments with the values of earlier goals in place."""
        return {name: _filled(argument, values) for name, argument in self.arguments.items()}


def _filled(argument: Any, values: Mapping[int, Any]) -> Any:
    match argument:
        case Ref(goal=goal):
            return values[goal]
        case Expression():
            return argument.filled(values)
    return argument


class Refused(Exception):
    """A clause is understood but has no single true answer. The message tells the user why."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One thing the user asks for."""

    said: str
    """In the user's words."""
    text: str
    """Without politeness and question marks; a quoted text is `«n»`."""
    quotes: tuple[str, ...] = ()
    """The quoted texts of the whole task."""

    @property
    def lower(self) -> str:
        """`text` in lower case."""
        return self.text.lower()


Reader = Callable[[Clause, Sequence[Goal]], tuple[Goal, ...] | None]
"""Reads a clause, given the goals before it. None if its rule does not fit; raises `Refused` if it must not."""
