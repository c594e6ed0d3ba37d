"""Thoughts: what a run reports while it works."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Any


class ThoughtType(Enum):
    """The kinds of thought. A recorded step's `kind` is one of these values."""

    REASONING = "reasoning"
    TOOL_CALL = "tool_call"
    TOOL_RESULT = "tool_result"
    ANSWER = "answer"
    RETRY = "retry"
    """A failed attempt: which of how many, why, and when the next one comes."""
    RACE = "race"
    """Several providers asked at once, one lane each."""
    ERROR = "error"
    """An `AgentError` that ended a call or the run."""
    APPROVAL = "approval"
    """A person was asked, or has answered."""
    NOTE = "note"
    """What happened to the run itself: interrupted, resumed, cancel asked, limit reached."""


@dataclass(slots=True)
class AgentThought:
    """One thought in the agent's chain of reasoning.

    `metadata` uses the names of a step's fields where it says the same thing: `turn`, `tool_name`, `call_id`,
    `tool_input`, `tool_output`, `attempt`, `max_attempts`, `severity`, `recoverable`, `suggested_action`, `provider`,
    `model`, `lane`, `tokens`, `cost`, and `started_at`, `ended_at` (seconds since the epoch). Anything else in it is
    kept as it is. Values must be JSON.
    """

    type: ThoughtType
    content: str
    metadata: dict[str, Any] = field(default_factory=dict)
