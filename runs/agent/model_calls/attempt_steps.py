"""The thoughts that record attempts: failures, waits, races."""

import time
from collections.abc import Sequence
from typing import NamedTuple

from runs.agent.concurrency.race import Strategy
from runs.agent.errors import model_sentences as sentences
from runs.agent.errors.classification import handle_agent_error
from runs.agent.errors.model_exceptions import ModelFailure, ModelPaused
from runs.agent.model_calls.attempt import Attempt, RaceResult
from runs.agent.payloads.step_fields import StepFields, fields_of_error
from runs.agent.payloads.steps import AskedLane, Lane, RacePayload, RaceStartPayload, RetryPayload
from runs.agent.step_sentences import ASKS_ANOTHER, ASKS_AT_ONCE, RACE_LOST, RACE_WON
from runs.agent.thoughts import AgentThought, ThoughtType


class AttemptNumbers(NamedTuple):
    """The turn, the number of the attempt (from 1), and the maximum."""

    turn: int
    attempt: int
    max_attempts: int


def failed_attempt(
    failure: ModelFailure,
    numbers: AttemptNumbers,
    *,
    wait_s: float | None,
    waits_only: bool = False,
    in_race: bool = False,
    is_round: bool = False,
) -> AgentThought:
    """The thought of a failed attempt, with the wait for the next one. The last three parameters: see
    `RetryPayload`."""
    error = handle_agent_error(failure, {})
    payload = RetryPayload(
        code=error.code,
        status=failure.status,
        phase=failure.phase,
        wait_s=None if wait_s is None else round(wait_s, 3),
        next_at=None if wait_s is None else time.time() + wait_s,
        no_more_because=failure.no_more_because,
        again=failure.again,
        retry_at=failure.retry_at if isinstance(failure, ModelPaused) else None,
        waits_only=waits_only,
        in_race=in_race,
        is_round=is_round,
    )
    about = StepFields(**numbers._asdict(), provider=failure.provider, model=failure.model)
    words = str(failure)
    if failure.again and not waits_only:
        words = sentences.REPEATED.made(message=words, change=failure.again)
    return AgentThought(ThoughtType.RETRY, words, payload=payload, fields=about | fields_of_error(error))


def wait_as_asked(paused: ModelPaused, numbers: AttemptNumbers, *, wait_s: float) -> AgentThought:
    """The thought of a wait for a Retry-After that the provider sent to any run. No attempt was made: `numbers` are
    those of the one before."""
    return failed_attempt(paused, numbers, wait_s=wait_s, waits_only=True)


def race_begins(strategy: Strategy, lanes: Sequence[AskedLane], *, turn: int, attempt: int) -> AgentThought:
    """The thought of the start of a race, before its replies."""
    names = [f"{each.provider}/{each.model}" for each in lanes]
    words = ASKS_AT_ONCE.made(models=", ".join(names))
    if strategy == "hedge":
        words = ASKS_ANOTHER.made(model=names[0], models=", ".join(names))
    fields = StepFields(turn=turn, attempt=attempt, started_at=lanes[0].started_at)
    payload = RaceStartPayload(strategy=strategy, asked=tuple(lanes))
    return AgentThought(ThoughtType.RACE, words, payload=payload, fields=fields)


def raced(race: RaceResult, *, turn: int, attempt: int) -> AgentThought:
    """The thought of a decided race, with the lanes whose request was sent; `multiple` is their number."""
    started = race.started
    lanes = tuple(_lane(each, won=each is race.winner) for each in started)
    names = ", ".join(f"{each.provider.name}/{each.provider.model}" for each in started)
    words = RACE_LOST.made(models=names)
    if race.winner is not None:
        winner = race.winner.provider
        words = RACE_WON.made(model=f"{winner.name}/{winner.model}", count=len(started))
    # A failed lane's card ends with its own retry step, the winner's with its reply.
    voided = tuple(each.card for each in started if each is not race.winner and each.outcome != "failed")
    payload = RacePayload(
        strategy=race.strategy,
        lanes=lanes,
        multiple=len(started),
        card=voided[0] if voided else None,
        cards=voided,
    )
    fields = StepFields(
        turn=turn,
        attempt=attempt,
        started_at=min(each.started_at or 0.0 for each in started),
        ended_at=max(each.ended_at or 0.0 for each in started),
    )
    return AgentThought(ThoughtType.RACE, words, payload=payload, fields=fields)


def _lane(attempt: Attempt, *, won: bool) -> Lane:
    usage = attempt.reply.usage if attempt.reply is not None else attempt.cut_off
    cost = usage.cost_usd if usage is not None else None
    return Lane(
        lane=attempt.lane,
        provider=attempt.provider.name,
        model=attempt.provider.model,
        started_at=attempt.started_at,
        first_token_at=attempt.first_token_at,
        ended_at=attempt.ended_at,
        outcome="won" if won else attempt.outcome,
        tokens=usage.total_tokens if usage is not None else None,
        cost=None if cost is None else str(cost),
        tokens_are_estimated=usage is not None and usage.is_estimated,
        error_code=None if attempt.failure is None else handle_agent_error(attempt.failure, {}).code,
    )
