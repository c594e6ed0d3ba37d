"""Where a step's card is placed: in its turn, or in the card of the call that it is about or that makes its call.

The page of a run and its live updates place cards in the same way: `static/live/placement.js` puts a card into the
element that its `data-into` names, and `nested` does so on the server.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from runs.agent.payloads.notes import ChildPayload, UnfinishedPayload
from runs.agent.payloads.steps import RacePayload, ToolCallPayload
from runs.live.rendering.race_views import race_key
from runs.live.rendering.step_views import StepView
from runs.models import Step

CALL_SLOTS = {Step.Kind.TOOL_RESULT: "result", Step.Kind.APPROVAL: "asks", Step.Kind.RETRY: "attempts"}
"""The slots of a call's card, by the kind of the steps in it."""


@dataclass(slots=True)
class Placed:
    """A step with its view, and the steps in the slots of its card."""

    step: Step
    view: StepView
    slots: dict[str, list["Placed"]] = field(default_factory=lambda: defaultdict(list))
    """By `result`, `asks`, `attempts`, `child` and `calls` of a call, `end` of the start of a race."""


@dataclass(slots=True)
class TurnGroup:
    """A turn with its steps, by `heard`, `words`, `attempts` and `flow`."""

    number: int
    slots: dict[str, list[Placed]] = field(default_factory=lambda: defaultdict(list))


def slot_of(step: Step) -> str:
    """The id of the element that a step's card is placed into; empty for a card between the turns."""
    if isinstance(step.payload, RacePayload) and (key := race_key(step)):
        return f"race-{key}-end"
    if isinstance(step.payload, ToolCallPayload) and step.payload.parent_id:
        return f"call-{step.payload.parent_id}-calls"
    if name := call_slot_of(step):
        return f"call-{step.call_id}-{name}"
    return turn_slot_of(step)


def call_slot_of(step: Step) -> str:
    """The slot of its call's card that the step belongs to; empty for one that belongs to none."""
    if step.call_id is None:
        return ""
    return "child" if isinstance(step.payload, ChildPayload) else CALL_SLOTS.get(Step.Kind(step.kind), "")


def turn_slot_of(step: Step) -> str:
    """The same, if the step's call is not on the page."""
    return f"turn-{step.turn}-{_part_of_turn(step)}" if step.turn else ""


def _part_of_turn(step: Step) -> str:
    match step.kind:
        case Step.Kind.REASONING:
            return "words"
        case Step.Kind.RETRY | Step.Kind.RACE if step.call_id is None:
            return "attempts"
        case Step.Kind.MESSAGE:
            return "heard"
        case Step.Kind.NOTE if isinstance(step.payload, UnfinishedPayload):
            # In front of the message that interrupted it.
            return "heard" if step.payload.why == "interrupted" else "attempts"
        case _:
            return "flow"


def nested(cards: Sequence[tuple[Step, StepView]]) -> list[TurnGroup | Placed]:
    """The cards of consecutive steps as the page shows them: turns, and what is between them, in order."""
    calls: dict[str, Placed] = {}
    races: dict[str, Placed] = {}
    turns: dict[int, TurnGroup] = {}
    shown: list[TurnGroup | Placed] = []
    for step, view in cards:
        placed = Placed(step, view)
        if step.kind == Step.Kind.TOOL_CALL and step.call_id is not None:
            calls[str(step.call_id)] = placed
        if view.is_race_start:
            races[race_key(step)] = placed
        of_call = call_slot_of(step) if str(step.call_id) in calls else ""
        parent_id = step.payload.parent_id if isinstance(step.payload, ToolCallPayload) else ""
        if parent_id in calls:
            calls[parent_id].slots["calls"].append(placed)
        elif of_call:
            calls[str(step.call_id)].slots[of_call].append(placed)
        elif isinstance(step.payload, RacePayload) and race_key(step) in races:
            races[race_key(step)].slots["end"].append(placed)
        elif step.turn:
            if step.turn not in turns:
                shown.append(turns.setdefault(step.turn, TurnGroup(step.turn)))
            turns[step.turn].slots[_part_of_turn(step)].append(placed)
        else:
            shown.append(placed)
    return shown
