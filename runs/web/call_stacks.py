"""Calls that are alike: the same tool with the same argument names, in one run or in several. A page shows one of them
and what differs."""

import hashlib
from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from runs.agent.visible_text import exact
from runs.live.rendering.json_texts import argument_text

if TYPE_CHECKING:
    from uuid import UUID

    from runs.web.pending_calls import PendingCall, PendingRun

LEAST_ALIKE: Final = 3
"""Fewer calls are shown one below the other."""
MOST_CELL_CHARS: Final = 120
"""Shown characters of a value in the table; the call's card has all of it."""


@dataclass(slots=True)
class CallStack:
    """A call, and the further ones like it. Most calls are alone."""

    first: "PendingCall"
    more: list["PendingCall"] = field(default_factory=list)

    @property
    def calls(self) -> list["PendingCall"]:
        """All calls of the stack in order."""
        return [self.first, *self.more]

    @property
    def is_open(self) -> bool:
        """True if a call inside was asked for by its link."""
        return any(each.is_open for each in self.more)

    @property
    def names(self) -> list[str]:
        """The names of the arguments that are not the same in all calls, as shown."""
        return [exact(name) for name in self._differing()]

    @property
    def rows(self) -> list[tuple["PendingCall", list[str]]]:
        """Each call with its values of `names`."""
        names = self._differing()
        return [(each, [_cell(each.call.arguments[name]) for name in names]) for each in self.calls]

    def _differing(self) -> list[str]:
        first = self.first.call.arguments
        others = [each.call.arguments for each in self.more]
        return [name for name, value in first.items() if any(_differ(value, other[name]) for other in others)]


@dataclass(slots=True)
class SimilarRuns:
    """Calls that are alike in several runs."""

    stack: CallStack

    @property
    def tool_name(self) -> str:
        """The tool that all of them call."""
        return self.stack.first.call.tool_name

    @property
    def runs(self) -> int:
        """The number of runs."""
        return len({each.call.run_id for each in self.stack.calls})

    @property
    def element_id(self) -> str:
        """The name of its part of the page; the same for the same tool and argument names."""
        return "like-" + hashlib.sha256(repr(_kind(self.stack.first)).encode()).hexdigest()[:16]


def sections_of(
    groups: Sequence["PendingRun"], known: Collection["UUID | None"] = ()
) -> list["PendingRun | SimilarRuns"]:
    """The runs with their calls; calls that are alike in several runs are a section of their own, at the place of the
    first. A page that shows one of these calls already (`known`) keeps its order: the others come to it one by one."""
    kinds: dict[Hashable, list[PendingCall]] = {}
    for each in (waiting for group in groups for waiting in group.calls):
        kinds.setdefault(_kind(each), []).append(each)
    across = {kind: alike for kind, alike in kinds.items() if _is_across(alike, known)}
    sections: list[PendingRun | SimilarRuns] = []
    for group in groups:
        for kind in dict.fromkeys(map(_kind, group.calls)):
            if (alike := across.pop(kind, None)) is not None:
                sections.append(SimilarRuns(CallStack(alike[0], alike[1:])))
                taken = {each.call.pk for each in alike}
                for other in groups:
                    other.calls = [each for each in other.calls if each.call.pk not in taken]
        if group.calls:
            sections.append(group)
    return sections


def _is_across(alike: Sequence["PendingCall"], known: Collection["UUID | None"]) -> bool:
    runs = Counter(each.call.run_id for each in alike)
    return len(alike) >= LEAST_ALIKE and len(runs) > 1 and not any(each.call.pk in known for each in alike)


def stacks_of(calls: Iterable["PendingCall"]) -> list[CallStack]:
    """The calls of a run in stacks, each at the place of its first call."""
    kinds: dict[Hashable, list[PendingCall]] = {}
    for each in calls:
        kinds.setdefault(_kind(each), []).append(each)
    stacks = []
    for alike in kinds.values():
        is_stack = len(alike) >= LEAST_ALIKE
        stacks += [CallStack(alike[0], alike[1:])] if is_stack else [CallStack(each) for each in alike]
    return sorted(stacks, key=lambda stack: (stack.first.call.turn, stack.first.call.index, stack.first.call.position))


def _kind(waiting: "PendingCall") -> Hashable:
    """What calls of one stack have in common. A call that is approved on a page of its own is alone."""
    call = waiting.call
    if not waiting.is_approval or waiting.has_to_be_read or not call.arguments:
        return call.pk
    return call.tool_name, *sorted(call.arguments)


def _differ(one: object, other: object) -> bool:
    """True if the values differ; 1, 1.0 and true are three values."""
    return argument_text(one) != argument_text(other)


def _cell(value: object) -> str:
    text = " ".join(argument_text(value)[: 4 * MOST_CELL_CHARS].split())
    return exact(text if len(text) <= MOST_CELL_CHARS else text[: MOST_CELL_CHARS - 1] + "…")
