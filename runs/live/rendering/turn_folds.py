"""Folds: consecutive turns that call the same tools, all without a fault, as one line that opens.

Only turns of one window of steps are folded together, and neither its first turn, unless the run begins there, nor its
last: another window may have the rest of it, and steps that arrive belong to the last one. So a step that comes to an
open page is never hidden in a fold.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from runs.agent.payloads.absent import ABSENT
from runs.agent.payloads.steps import ToolResultPayload
from runs.live.rendering.formatting import counted_text, duration_text
from runs.live.rendering.placement import Placed, TurnGroup
from runs.models import Step

MOST_UNFOLDED: Final = 20
"""More equal turns in a row are folded."""

TurnOrStep = TurnGroup | Placed


@dataclass(frozen=True, slots=True)
class TurnFold:
    """Equal turns in a row, shown as one line."""

    turns: list[TurnGroup]
    tools: tuple[str, ...]
    """The tools that each of the turns calls, in order."""
    is_open: bool = False

    @property
    def count(self) -> str:
        """The number of turns."""
        return counted_text(len(self.turns))

    @property
    def took(self) -> str:
        """The time from the start of the first turn to the end of the last; empty if it is unknown."""
        steps = [step for turn in self.turns for step in _steps_of(turn)]
        begun = [at for step in steps if (at := step.started_at or step.ended_at) is not None]
        ended = [step.ended_at for step in steps if step.ended_at is not None]
        return duration_text((max(ended) - min(begun)).total_seconds()) if ended else ""


def folded(shown: Sequence[TurnOrStep], *, is_start: bool, at: int = 0) -> list[TurnOrStep | TurnFold]:
    """The parts of a window, with equal turns folded. `is_start`: the window begins with the run's first step. A fold
    with the step `at` is open."""
    turns = [part for part in shown if isinstance(part, TurnGroup)]
    cut = [*turns[-1:], *([] if is_start else turns[:1])]
    parts: list[TurnOrStep | TurnFold] = []
    for tools, alike in groupby(shown, lambda part: () if any(part is each for each in cut) else _tools_of(part)):
        group = list(alike)
        equal = [part for part in group if isinstance(part, TurnGroup)] if tools else []
        if len(equal) > MOST_UNFOLDED:
            holds = any(step.sequence == at for turn in equal for step in _steps_of(turn))
            parts.append(TurnFold(equal, tools, is_open=holds))
        else:
            parts += group
    return parts


def _tools_of(part: TurnOrStep) -> tuple[str, ...]:
    """The tools that a turn calls, in order; empty if it is no turn, calls none, or has anything to look at."""
    if isinstance(part, Placed) or part.slots.get("attempts"):
        return ()
    calls = part.slots.get("flow", [])
    said = part.slots.get("words", [])
    if all(map(_is_ok, calls)) and all(each.step.kind == Step.Kind.REASONING for each in said):
        return tuple(each.step.tool_name for each in calls)
    return ()


def _is_ok(call: Placed) -> bool:
    """True for a call that nobody was asked about, and that succeeded at the first attempt."""
    inner = [placed for name, slot in call.slots.items() for placed in slot if name != "result"]
    if call.step.kind != Step.Kind.TOOL_CALL or inner or len(results := call.slots.get("result", [])) != 1:
        return False
    result, payload = results[0].step, results[0].step.payload
    if not isinstance(payload, ToolResultPayload) or payload.by is not ABSENT or payload.remark:
        return False
    return not result.severity and not payload.code


def _steps_of(turn: TurnGroup) -> Iterator[Step]:
    for slot in turn.slots.values():
        for placed in slot:
            yield placed.step
            yield from (inner.step for each in placed.slots.values() for inner in each)
