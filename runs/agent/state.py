"""The state of a run while it works, with its history."""

import time
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from runs.agent.errors import AgentError


class AgentStatus(Enum):
    """Where a run stands. The values are those of the run row's `status`."""

    IDLE = "idle"
    THINKING = "thinking"
    EXECUTING = "executing"
    WAITING = "waiting"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """True once nothing can follow."""
        return self in _FINAL


_FINAL = frozenset({AgentStatus.COMPLETED, AgentStatus.FAILED, AgentStatus.CANCELLED})


@dataclass(slots=True)
class AgentStep:
    """One thing the agent did: a tool call with its output, or the answer."""

    step_number: int
    action: str
    tool_name: str | None
    tool_input: dict[str, Any] | None
    tool_output: Any | None
    reasoning: str
    timestamp: float = field(default_factory=time.time)
    """Seconds since the epoch."""


@dataclass(slots=True)
class AgentState:
    """Status, history and totals of one run. A final status never changes again."""

    status: AgentStatus = AgentStatus.IDLE
    steps: list[AgentStep] = field(default_factory=list)
    context: dict[str, Any] = field(default_factory=dict)
    total_tokens: int = 0
    error: AgentError | None = None

    def add_step(self, step: AgentStep) -> None:
        """Add what was done to the history; the agent is executing."""
        self.steps.append(step)
        self._move_to(AgentStatus.EXECUTING)

    def mark_thinking(self) -> None:
        """The model is working on its next reply."""
        self._move_to(AgentStatus.THINKING)

    def mark_executing(self) -> None:
        """Tools are running."""
        self._move_to(AgentStatus.EXECUTING)

    def mark_waiting(self) -> None:
        """The next attempt, or a person, is waited for."""
        self._move_to(AgentStatus.WAITING)

    def mark_completed(self) -> None:
        """The answer was given."""
        self._move_to(AgentStatus.COMPLETED)

    def mark_failed(self, error: AgentError) -> None:
        """The run ended without an answer, because of `error`."""
        self._move_to(AgentStatus.FAILED)
        self.error = error

    def mark_cancelled(self) -> None:
        """The run was stopped before it ended by itself."""
        self._move_to(AgentStatus.CANCELLED)

    @property
    def step_count(self) -> int:
        """Number of steps in the history."""
        return len(self.steps)

    def get_recent_steps(self, n: int = 5) -> list[AgentStep]:
        """The last `n` steps, oldest first; none for `n` of 0 or less (a bare `steps[-0:]` would give them all)."""
        return self.steps[-n:] if n > 0 else []

    def _move_to(self, status: AgentStatus) -> None:
        if self.status.is_final and status is not self.status:
            raise ValueError(f"A {self.status.value} run cannot become {status.value}.")
        self.status = status
