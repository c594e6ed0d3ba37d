"""The attempts at model replies and tool calls that thoughts end, for the metrics."""

from collections.abc import Iterable

from runs.agent.payloads.steps import RacePayload, RetryPayload, ToolResultPayload
from runs.agent.thoughts import AgentThought
from runs.engine.writing.writes import EndedAttempt


def ended_attempts(thoughts: Iterable[AgentThought]) -> list[EndedAttempt]:
    """The attempts that the thoughts end. Each attempt ends in exactly one thought."""
    return [attempt for thought in thoughts for attempt in _ended_by(thought)]


def _ended_by(thought: AgentThought) -> list[EndedAttempt]:
    match thought.payload:
        case ToolResultPayload(code=code):
            return [("tool", _outcome_of_call(thought.fields.severity, code))]
        case RetryPayload() if thought.fields.tool_name:
            return [("tool", "failed")]
        case RetryPayload(card=card):
            return [("model", "failed")] if card else []  # Without a card it is a wait, and no model was asked.
        case RacePayload(lanes=lanes):
            return [("model", lane.outcome) for lane in lanes if lane.outcome not in ("won", "failed")]
        case payload:
            return [("model", "succeeded")] if payload.card else []


def _outcome_of_call(severity: str | None, code: str) -> str:
    if not severity:
        return "succeeded"
    return "unknown" if code == "outcome_unknown" else "failed"
