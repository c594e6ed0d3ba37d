"""The result of a run, with the type of its output kept."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from runs.agent.errors import AgentError

T = TypeVar("T")


@dataclass(slots=True)
class AgentResult(Generic[T]):
    """How a run ended: `AgentResult[str]` for a text answer, `AgentResult[dict]` for structured output."""

    success: bool
    output: T | None
    error: AgentError | None
    steps_taken: int
    """Recorded steps, those of a failed run included."""
    tokens_used: int
    """Tokens the providers reported, those of a failed run included."""

    @property
    def is_success(self) -> bool:
        """True if the run succeeded and gave an output."""
        return self.success and self.output is not None
