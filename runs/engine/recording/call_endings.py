"""How a call without a result ends when its run is stopped or cannot go on.

Used by a host that releases a run, and by the control room for a run without a host.
"""

from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import Literal

from runs.agent.errors import call_sentences as sentences
from runs.agent.tools.protocol import REPEATABLE
from runs.models import ToolCall

StoppedOutcome = Literal["not_started", "awaited_child", "no_effect", "unknown"]
"""The effect of a stopped call: it had not started, it waited for its child run, it changes nothing, or it is
unknown."""


@dataclass(frozen=True, slots=True)
class CallEnding:
    """The last state of a call, and the content of its result."""

    state: Literal["failed", "unknown"]
    words: str
    severity: Literal["warning", "error"]
    code: Literal["stopped", "outcome_unknown"]


_NO_RESULT = CallEnding("failed", sentences.NO_RESULT.made(), "warning", "stopped")
_WHILE_IT_RAN = CallEnding(
    "unknown",
    sentences.STOPPED_WHILE_IT_RAN.made(),
    "error",
    "outcome_unknown",
)
_WAS_UNKNOWN = CallEnding(
    "unknown",
    sentences.STILL_UNKNOWN.made(),
    "error",
    "outcome_unknown",
)


def outcome_of(effect: str, *, has_started: bool) -> StoppedOutcome:
    """The effect of a call without a result."""
    if not has_started:
        return "not_started"
    return "no_effect" if effect in REPEATABLE else "unknown"


def outcome_in(state: str, effect: str) -> StoppedOutcome:
    """The effect of a call without a result that was stopped in `state`."""
    if state == ToolCall.State.AWAITING_CHILD:
        return "awaited_child"
    return outcome_of(effect, has_started=state in (ToolCall.State.STARTED, ToolCall.State.UNKNOWN))


def ending_of(state: str, effect: str) -> CallEnding:
    """How an open call in `state` ends when it will not run again and cannot be decided."""
    if state == ToolCall.State.UNKNOWN:
        return _WAS_UNKNOWN  # It did not run when the run was stopped.
    has_started = state == ToolCall.State.STARTED
    return _WHILE_IT_RAN if outcome_of(effect, has_started=has_started) == "unknown" else _NO_RESULT


def without_result(calls: Iterable[ToolCall], have_results: Container[object]) -> list[ToolCall]:
    """The open calls among `calls`; `have_results` are the ids of calls whose result is a step."""
    return [
        call
        for call in calls
        if call.state in ToolCall.OPEN or (call.state == ToolCall.State.UNKNOWN and call.call_id not in have_results)
    ]
