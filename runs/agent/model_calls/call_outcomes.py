"""How the circuit breaker of a model counts its failures."""

from runs.agent.concurrency.circuit_breaker import CallOutcome
from runs.agent.errors.model_exceptions import ModelFailure, ModelTimeout

_SICK = frozenset({"timeout", "network", "overloaded", "server"})
"""The failures that count. A 429 does not: the server works and limits the rate. Neither does a refusal."""


def outcome_of(failure: ModelFailure) -> CallOutcome:
    """How the breaker counts a failed attempt. The end of the run's own time is not counted."""
    if isinstance(failure, ModelTimeout) and failure.limit_name == "max_duration_s":
        return "not_counted"
    if failure.status == 429:
        return "succeeded"
    return "failed" if failure.kind in _SICK else "succeeded"
