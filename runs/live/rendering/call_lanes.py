"""The tool calls at work, each with its clock, for the stage."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import Q
from django.utils.translation import gettext

from runs.agent.tool_calls.call_states import CALL_STATES
from runs.live.rendering.formatting import duration_text
from runs.models import Run, ToolCall

MOST_CALLS: Final = 5
"""Calls that the stage shows one by one; further ones are counted."""


@dataclass(frozen=True, slots=True)
class CallLane:
    """One tool call of the turn at work."""

    name: str
    state: str
    words: str
    started_ms: int | None = None
    """Since when it runs, in milliseconds since the epoch; None if it does not run."""
    limit_ms: int = 0
    """Its time limit in milliseconds."""
    limit: str = ""
    address: str = ""
    """Of the page of the run that it launched."""


def running_lanes(run: Run) -> list[CallLane]:
    """The calls of the last turn that run now, at most `MOST_CALLS`."""
    return lanes_of(run, [call for call in calls_of_turn(run) if call.state == ToolCall.State.STARTED][:MOST_CALLS])


def calls_of_turn(run: Run) -> Sequence[ToolCall]:
    """The calls of the last turn with calls, in order; of those that its calls make, the open ones."""
    last = run.calls.order_by("-turn").values_list("turn", flat=True).first()
    if last is None:
        return []
    shown = Q(position=0) | Q(state__in=ToolCall.OPEN)
    return list(run.calls.filter(shown, turn=last).order_by("index", "position"))


def lanes_of(run: Run, calls: Iterable[ToolCall]) -> list[CallLane]:
    """A lane for each call, with the time limit of the run's tools."""
    limit_s = run.config.get("tool_timeout_s")
    limit = (round(limit_s * 1000), duration_text(limit_s)) if isinstance(limit_s, int | float) and limit_s else (0, "")
    return [_lane(call, *limit) for call in calls]


def _lane(call: ToolCall, limit_ms: int, limit: str) -> CallLane:
    words = gettext(CALL_STATES[call.state].badge)
    if call.started_at is None:
        return CallLane(call.tool_name, call.state, words)
    if call.state == ToolCall.State.STARTED:
        return CallLane(call.tool_name, call.state, words, round(call.started_at.timestamp() * 1000), limit_ms, limit)
    took = duration_text((call.ended_at - call.started_at).total_seconds()) if call.ended_at else ""
    return CallLane(call.tool_name, call.state, took if call.state == ToolCall.State.SUCCEEDED else f"{words} {took}")
