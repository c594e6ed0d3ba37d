"""What a run writes down about its attempts: failed ones, waits, races."""

import time
from typing import Any

from runs.agent.classify import handle_agent_error
from runs.agent.errors import ModelFailure, ModelPaused
from runs.agent.resilience.attempt import Attempt
from runs.agent.resilience.lanes import Round
from runs.agent.thoughts import AgentThought, ThoughtType


def failed_attempt(
    failure: ModelFailure, *, turn: int, attempt: int, max_attempts: int, wait_s: float | None
) -> AgentThought:
    """A failed attempt, and when the next one comes. Metadata that is None was not known."""
    error = handle_agent_error(failure, {})
    metadata = {
        "turn": turn,
        "attempt": attempt,
        "max_attempts": max_attempts,
        **error.as_metadata(),
        "provider": failure.provider,
        "model": failure.model,
        "status": failure.status,
        "phase": failure.phase,
        "wait_s": None if wait_s is None else round(wait_s, 3),
        "next_at": None if wait_s is None else time.time() + wait_s,
    }
    if failure.no_more_because:
        metadata["no_more_because"] = failure.no_more_because
    words = str(failure)
    if failure.again:
        metadata["again"] = failure.again
        words = f"{words} It is asked again {failure.again}."
    if isinstance(failure, ModelPaused):
        metadata["retry_at"] = failure.retry_at
    return AgentThought(ThoughtType.RETRY, words, metadata)


def wait_as_asked(paused: ModelPaused, wait_s: float, *, turn: int, spent: int, max_attempts: int) -> AgentThought:
    """A wait before an attempt, because the provider asked some run for it. No attempt was made: `waits_only`."""
    thought = failed_attempt(paused, turn=turn, attempt=spent, max_attempts=max_attempts, wait_s=wait_s)
    return AgentThought(ThoughtType.RETRY, str(paused), thought.metadata | {"waits_only": True})


def raced(race: Round, *, turn: int) -> AgentThought:
    """A decided race with its lanes: those whose provider was asked. `multiple` is how many requests one reply took."""
    started = race.started
    lanes = [_lane(each, won=each is race.winner) for each in started]
    names = ", ".join(f"{each.provider.model!r} of {each.provider.name!r}" for each in started)
    words = f"None of {names} gave a reply."
    if race.winner is not None:
        words = f"{race.winner.provider.model!r} of {race.winner.provider.name!r} was first of {len(started)}."
    metadata: dict[str, Any] = {
        "turn": turn,
        "strategy": race.strategy,
        "lanes": lanes,
        "multiple": len(started),
        "started_at": min(each.started_at or 0.0 for each in started),
        "ended_at": max(each.ended_at or 0.0 for each in started),
    }
    voided = [each.card for each in started if each is not race.winner and each.outcome != "failed"]
    if voided:
        # A failed lane's card ends with its own retry step, the winner's with its reply.
        metadata["card"], metadata["cards"] = voided[0], voided
    return AgentThought(ThoughtType.RACE, words, metadata)


def _lane(attempt: Attempt, *, won: bool) -> dict[str, Any]:
    usage = attempt.reply.usage if attempt.reply is not None else None
    cost = usage.cost_usd if usage is not None else None
    return {
        "lane": attempt.lane,
        "provider": attempt.provider.name,
        "model": attempt.provider.model,
        "started_at": attempt.started_at,
        "first_token_at": attempt.first_token_at,
        "ended_at": attempt.ended_at,
        "outcome": "won" if won else attempt.outcome,
        "tokens": usage.total_tokens if usage is not None else None,
        "cost": None if cost is None else str(cost),
        "error_code": None if attempt.failure is None else handle_agent_error(attempt.failure, {}).code,
    }
