"""The state of a run, with its history, and its result."""

import time
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Generic, TypeVar

from runs.agent.errors.agent_error import AgentError
from runs.agent.json_data.json_types import JsonObject

T = TypeVar("T")


class AgentStatus(Enum):
    """The status of a run. The values are those of the run row's `status`."""

    IDLE = "idle"
    THINKING = "thinking"
    EXECUTING = "executing"
    WAITING = "waiting"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """True for completed, failed and cancelled, which never change again."""
        return self in _FINAL


_FINAL = (AgentStatus.COMPLETED, AgentStatus.FAILED, AgentStatus.CANCELLED)
"""Not a set: the hash of an enum's member is a call of Python, its identity is none."""


@dataclass(slots=True)
class AgentStep:
    """One thing the agent did: a tool call with its output, or the answer."""

    step_number: int
    action: str
    tool_name: str | None
    tool_input: JsonObject | None
    tool_output: Any | None
    reasoning: str
    timestamp: float = field(default_factory=time.time)
    """Seconds since the epoch."""


@dataclass(slots=True)
class AgentState:
    """Status, history and totals of one run. A final status never changes again."""

    status: AgentStatus = AgentStatus.IDLE
    steps: list[AgentStep] = field(default_factory=list)
    context: JsonObject = field(default_factory=dict)
    total_tokens: int = 0
    error: AgentError | None = None
    could_not: bool = False
    """Of a completed run: the answer says that the task could not be done."""

    def add_step(self, step: AgentStep) -> None:
        """Add a step to the history; the status becomes executing."""
        self.steps.append(step)
        self._move_to(AgentStatus.EXECUTING)

    def mark_thinking(self) -> None:
        """The model is working on its next reply."""
        self._move_to(AgentStatus.THINKING)

    def mark_executing(self) -> None:
        """Tools are running."""
        self._move_to(AgentStatus.EXECUTING)

    def mark_waiting(self) -> None:
        """The run waits for the next attempt or for a person."""
        self._move_to(AgentStatus.WAITING)

    def mark_completed(self) -> None:
        """The answer was given."""
        self._move_to(AgentStatus.COMPLETED)

    def mark_failed(self, error: AgentError) -> None:
        """The run ended without an answer, because of `error`."""
        self._move_to(AgentStatus.FAILED)
        self.error = error

    def mark_cancelled(self) -> None:
        """The run was cancelled."""
        self._move_to(AgentStatus.CANCELLED)

    @property
    def step_count(self) -> int:
        """Number of steps in the history."""
        return len(self.steps)

    def get_recent_steps(self, n: int = 5) -> list[AgentStep]:
        """The last `n` steps, oldest first; none for `n` of 0 or less (`steps[-0:]` would return all)."""
        return self.steps[-n:] if n > 0 else []

    def _move_to(self, status: AgentStatus) -> None:
        if self.status.is_final and status is not self.status:
            raise ValueError(f"A {self.status.value} run cannot become {status.value}.")
        self.status = status


@dataclass(slots=True)
class AgentResult(Generic[T]):
    """The result of a run: `AgentResult[str]` for a text answer, `AgentResult[dict]` for structured output."""

    success: bool
    output: T | None
    error: AgentError | None
    steps_taken: int
    """Recorded steps, those of a failed run included."""
    tokens_used: int
    """Tokens of the replies, those of a failed run included."""
    could_not: bool = False
    """The run succeeded with an answer that says the task could not be done."""

    @property
    def is_success(self) -> bool:
        """True if the run succeeded with an output."""
        return self.success and self.output is not None
