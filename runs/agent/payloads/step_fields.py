"""Fields that every kind of step can have."""

from decimal import Decimal
from typing import Any, NamedTuple

from runs.agent.errors.agent_error import AgentError
from runs.agent.messages import ToolInvocation
from runs.agent.payloads.absent import ABSENT, Absent


# Not a frozen dataclass: its `__init__` sets 17 fields through `object.__setattr__`, for every step.
class StepFields(NamedTuple):
    """The common fields of steps, by their API names. A field at its default is not stored."""

    turn: int | None = None
    tool_name: str | None = None
    call_id: str | None = None
    tool_input: dict[str, Any] | None = None
    tool_output: Any = None
    attempt: int | None = None
    max_attempts: int | None = None
    severity: str | None = None
    recoverable: bool | None = None
    suggested_action: str | Absent | None = ABSENT
    """None for an error without a suggestion."""
    provider: str | None = None
    model: str | None = None
    lane: int | None = None
    tokens: int | Absent | None = ABSENT
    """None for a reply whose token count is unknown."""
    cost: Decimal | Absent | None = ABSENT
    """US dollars; None for a reply whose cost is unknown."""
    started_at: float | None = None
    """Seconds since the epoch."""
    ended_at: float | None = None

    def __or__(self, other: "StepFields") -> "StepFields":
        """The fields of both; `other` wins where both have one."""
        return StepFields(**(_given(self) | _given(other)))


NO_FIELDS = StepFields()


def _given(told: StepFields) -> dict[str, Any]:
    values = zip(StepFields._field_defaults.items(), told, strict=True)
    return {name: value for (name, default), value in values if value is not default}


def fields_of_call(
    call: ToolInvocation,
    *,
    tool_input: dict[str, Any] | None = None,
    tool_output: Any = None,
    started_at: float | None = None,
    ended_at: float | None = None,
) -> StepFields:
    """The fields of a step about a tool call."""
    return StepFields(
        turn=call.turn,
        tool_name=call.tool_name,
        call_id=call.call_id,
        tool_input=tool_input,
        tool_output=tool_output,
        started_at=started_at,
        ended_at=ended_at,
    )


def fields_of_error(error: AgentError) -> StepFields:
    """The fields of a step about an error. The message is the step's text, the code is in its payload."""
    return StepFields(
        severity=error.severity.value, recoverable=error.recoverable, suggested_action=error.suggested_action
    )
