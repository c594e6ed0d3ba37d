"""The context of one reply, shared by all wrapped models."""

from dataclasses import dataclass

from runs.agent.budget.deadline import Deadline
from runs.agent.concurrency.retry import RetryPolicy
from runs.agent.journal import Journal
from runs.agent.model_calls.interruptible_sleep import InterruptibleSleep
from runs.agent.run_limits import RunLimits
from runs.agent.state import AgentState


@dataclass(slots=True, kw_only=True)
class ReplyContext:
    """The context of one reply. Every wrapping model gets it, so that none needs a reference to the outer one."""

    state: AgentState
    turn: int
    """The turn of the reply, from 1."""
    journal: Journal
    retry: RetryPolicy
    deadline: Deadline
    limits: RunLimits
    sleep: InterruptibleSleep
    has_lanes: bool = False
    """True if the run has several models: the steps of an attempt then name its lane."""
    attempt_number: int = 1
    """The number of the attempt, or of the round of a race, from 1. Counted by `RetryingModel`."""
    attempts_before: int = 0
    """Attempts of the turn before those of this reply: a person has interrupted them."""
    most_attempts: int = 0
    """The highest `attempt_number` so far. Counted by `RetryingModel`."""
    is_hurried: bool = False
    """A person has cut short the wait for the first attempt: it ignores the provider's `Retry-After`."""
    repeats: int = 0
    """Attempts with a changed request, beside those of the policy. Counted by `RetryingModel`."""
    ignores_cooldown: bool = False
    """True after "Try now": the attempt ignores the provider's `Retry-After`."""

    @property
    def max_attempts(self) -> int:
        """The most attempts at the reply, repeats included: `attempt_number` is at most this."""
        return self.retry.max_attempts + self.repeats
