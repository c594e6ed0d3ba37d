"""Goals of the planner: a goal is one tool call and one sentence of the answer."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from runs.agent.json_data.json_types import JsonMapping, JsonObject

ValueKind = Literal["number", "date", "other"]
"""The kind of a goal's value, which decides where a later clause may refer to it."""


@dataclass(frozen=True, slots=True)
class Ref:
    """An argument that stands for the value of an earlier goal, by its index."""

    goal: int


@dataclass(frozen=True, slots=True)
class Expression:
    """Arithmetic in which `#n` stands for the value of goal n."""

    text: str

    @property
    def refs(self) -> frozenset[int]:
        """The indexes of the goals it uses."""
        return frozenset(map(int, re.findall(r"#(\d+)", self.text)))

    def filled(self, values: Mapping[int, Any]) -> str:
        """The expression with the values inserted, negative ones in brackets."""
        return re.sub(r"#(\d+)", lambda match: _operand(values[int(match[1])]), self.text)


def _operand(value: float) -> str:
    return f"({value})" if value < 0 else str(value)


@dataclass(frozen=True, slots=True)
class Derived:
    """An argument that is made of the value of an earlier goal, by its index."""

    goal: int
    make: Callable[[Any], Any]
    """Raises `TaskRefused` if the value leaves no single correct argument."""


ResultSentence = Callable[[JsonMapping, Any], str]
"""Makes the sentence about a result from the call's arguments and its output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """One tool call, with the clause it comes from and the sentence about its result."""

    clause: str
    """The clause in the user's words."""
    rule: str
    """The name of the matching rule."""
    tool_name: str
    arguments: JsonMapping
    """JSON values, `Ref`s, `Expression`s and `Derived`s."""
    say: ResultSentence
    kind: ValueKind = "number"
    value: Callable[[Any], Any] = lambda output: output
    """Takes from the output the value that a later clause calls "the result"."""
    unit: str = ""
    """The unit of the value, needed for "convert it to km"."""
    is_step: bool = False
    """True for a call that only another goal needs, such as today's date. It gets no sentence in the answer."""

    @property
    def needs(self) -> frozenset[int]:
        """The indexes of the earlier goals whose values it uses."""
        found: set[int] = set()
        for argument in self.arguments.values():
            if isinstance(argument, (Ref, Derived)):
                found.add(argument.goal)
            elif isinstance(argument, Expression):
                found |= argument.refs
        return frozenset(found)

    def filled(self, values: Mapping[int, Any]) -> JsonObject:
        """The arguments with the values of earlier goals inserted. Raises `TaskRefused`."""
        return {name: _filled(argument, values) for name, argument in self.arguments.items()}


def _filled(argument: Any, values: Mapping[int, Any]) -> Any:
    match argument:
        case Ref(goal=goal):
            return values[goal]
        case Derived(goal=goal, make=make):
            return make(values[goal])
        case Expression():
            return argument.filled(values)
    return argument


class TaskRefused(Exception):
    """A clause is understood but has no single correct answer. The message tells the user why."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One thing the user asks for."""

    said: str
    """In the user's words."""
    text: str
    """Without polite words and question marks; `«n»` in place of a quoted text."""
    quotes: tuple[str, ...] = ()
    """The quoted texts of the whole task."""
    asked: str = ""
    """In the user's words, with `«n»` in place of a quoted text."""
    tables: tuple[str, ...] = ()
    """The names of the tables that a question without a file may mean."""
    has_one_file: bool = False
    """True if the run has one file only."""

    @property
    def lower(self) -> str:
        """`text` in lower case."""
        return self.text.lower()


ClauseReader = Callable[[Clause, Sequence[Goal]], tuple[Goal, ...] | None]
"""Reads a clause, given the goals before it. None if no rule matches; raises `TaskRefused` for an ambiguous clause."""
