"""Folds: consecutive turns that call the same tools, all without a fault, as one line that opens.

Only turns of one window of steps are folded together, and neither its first turn, unless the run begins there, nor its
last: another window may have the rest of it, and steps that arrive belong to the last one. So a step that comes to an
open page is never hidden in a fold. Whether enough turns are equal is told by those beside the window too.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, takewhile
from typing import Final, Protocol

from runs.agent.payloads.absent import ABSENT
from runs.agent.payloads.steps import ToolResultPayload
from runs.live.rendering.formatting import counted_text, duration_text
from runs.live.rendering.placement import Placed, TurnGroup, nested
from runs.live.rendering.step_views import StepView
from runs.models import Step

MOST_UNFOLDED: Final = 20
"""More equal turns in a row are folded."""
LEAST_FOLDED: Final = 3
"""Fewer turns of a window are not folded, though more of them are beside it."""
MOST_READ: Final = 500
"""Steps that are read on each side of a window."""

TurnOrStep = TurnGroup | Placed


class Beside(Protocol):
    """The steps of a run on both sides of a window, without their texts."""

    def before(self, sequence: int, most: int) -> Sequence[Step]:
        """The last `most` steps before that one, in order."""

    def after(self, sequence: int, most: int) -> Sequence[Step]:
        """The first `most` steps after that one, in order."""


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


def folded(
    shown: Sequence[TurnOrStep], *, is_start: bool, at: int = 0, beside: Beside | None = None
) -> list[TurnOrStep | TurnFold]:
    """The parts of a window, with equal turns folded. `is_start`: the window begins with the run's first step. A fold
    with the step `at` is open. `beside` is asked about a row of equal turns that reaches an end of the window."""
    turns = [part for part in shown if isinstance(part, TurnGroup)]
    cut = [*turns[-1:], *([] if is_start else turns[:1])]
    ends = [*turns[:-1][-1:], *([] if is_start else turns[1:2])]
    parts: list[TurnOrStep | TurnFold] = []
    for tools, alike in groupby(shown, lambda part: () if _is_among(part, cut) else _tools_of(part)):
        group = list(alike)
        equal = [part for part in group if isinstance(part, TurnGroup)] if tools else []
        asked = beside if any(_is_among(turn, ends) for turn in equal) else None
        if _are_many(equal, tools, asked):
            holds = any(step.sequence == at for turn in equal for step in _steps_of(turn))
            parts.append(TurnFold(equal, tools, is_open=holds))
        else:
            parts += group
    return parts


def _is_among(part: TurnOrStep, parts: Iterable[TurnOrStep]) -> bool:
    return any(part is each for each in parts)


def _are_many(equal: Sequence[TurnGroup], tools: tuple[str, ...], beside: Beside | None) -> bool:
    """True if more turns than are left unfolded are equal to these, with those next to them outside of the window."""
    if len(equal) > MOST_UNFOLDED or beside is None or len(equal) < LEAST_FOLDED:
        return len(equal) > MOST_UNFOLDED
    sequences = [step.sequence for turn in equal for step in _steps_of(turn)]
    missing = MOST_UNFOLDED + 1 - len(equal)
    # One more, which may be there in part.
    most = min(MOST_READ, (missing + 1) * -(-len(sequences) // len(equal)))
    missing -= _equal_at_end(beside.before(min(sequences), most), tools)
    return missing <= 0 or _equal_at_start(beside.after(max(sequences), most), tools) >= missing


def _equal_at_end(steps: Sequence[Step], tools: tuple[str, ...]) -> int:
    parts = _parts_of(steps)
    whole = parts if steps and steps[0].sequence == 1 else parts[1:]
    return _number_of_equal(reversed(whole), tools)


def _equal_at_start(steps: Sequence[Step], tools: tuple[str, ...]) -> int:
    return _number_of_equal(_parts_of(steps)[:-1], tools)


def _parts_of(steps: Iterable[Step]) -> list[TurnOrStep]:
    """The parts as a page would show them; nothing is rendered."""
    return nested([(step, StepView(icon="")) for step in steps])


def _number_of_equal(parts: Iterable[TurnOrStep], tools: tuple[str, ...]) -> int:
    return sum(1 for _ in takewhile(lambda part: _tools_of(part) == tools, parts))


def _tools_of(part: TurnOrStep) -> tuple[str, ...]:
    """The tools that a turn calls, in order; empty if it is no turn, calls none, or has anything to look at."""
    if isinstance(part, Placed) or part.slots.get("attempts") or part.slots.get("heard"):
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
            yield from _steps_in(placed)


def _steps_in(placed: Placed) -> Iterator[Step]:
    yield placed.step
    for slot in placed.slots.values():
        for inner in slot:
            yield from _steps_in(inner)
