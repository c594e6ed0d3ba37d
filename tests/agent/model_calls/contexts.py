"""The `ReplyContext` for tests of a single wrapping model."""

from typing import Any

from runs.agent.budget.deadline import Deadline
from runs.agent.concurrency.retry import RetryPolicy
from runs.agent.model_calls.interruptible_sleep import InterruptibleSleep
from runs.agent.model_calls.reply_context import ReplyContext
from runs.agent.run_limits import RunLimits
from runs.agent.state import AgentState
from tests.agent.model_calls.models import Notebook


def context_of(*, left_s: float = 600, **options: Any) -> ReplyContext:
    """The context of a reply in the first turn of a run that has `left_s` seconds left."""
    given: dict[str, Any] = {
        "state": AgentState(),
        "turn": 1,
        "journal": Notebook(),
        "retry": RetryPolicy(base_s=0.001),
        "deadline": Deadline(left_s),
        "limits": RunLimits(),
        "sleep": InterruptibleSleep(),
    }
    return ReplyContext(**(given | options))
