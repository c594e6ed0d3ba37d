"""One small call to a model, to see whether it answers, how soon, and what it costs."""

import asyncio
import time
from dataclasses import dataclass, field
from decimal import Decimal

from runs.agent.classify import handle_agent_error
from runs.agent.errors import AgentError, ModelFailure
from runs.agent.messages import Delta, ModelProvider, ModelRequest, Usage
from runs.agent.money import cost_of

TASK = "Reply with the single word: ok"
TIMEOUT_S = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """How the call went."""

    total_s: float
    first_token_s: float | None = None
    """From the request to the first sign of a reply; None if there was none."""
    usage: Usage = field(default_factory=Usage)
    cost_usd: Decimal | None = None
    """None is unknown."""
    error: AgentError | None = None
    """Why there was no reply."""


async def probe(model: ModelProvider, *, timeout_s: float | None = None) -> Probe:
    """Ask once and never again, for at most `timeout_s` (None: `TIMEOUT_S`).

    Raises nothing but cancellation: a failure is a result.
    """
    timeout_s = TIMEOUT_S if timeout_s is None else timeout_s
    started_at = time.monotonic()
    first_at: float | None = None

    def note(_delta: Delta) -> None:
        nonlocal first_at
        first_at = first_at or time.monotonic()

    def elapsed(until: float) -> float:
        return until - started_at

    try:
        async with asyncio.timeout(timeout_s):
            reply = await model.reply(ModelRequest(task=TASK, timeout_s=timeout_s), on_delta=note)
    except (ModelFailure, TimeoutError) as error:
        context = {"provider": model.name, "model": model.model}
        return Probe(total_s=elapsed(time.monotonic()), error=handle_agent_error(error, context))
    ended_at = time.monotonic()
    return Probe(
        total_s=elapsed(ended_at),
        first_token_s=elapsed(first_at or ended_at),
        usage=reply.usage,
        cost_usd=cost_of(reply.usage, model),
    )
