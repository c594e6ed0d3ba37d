"""Loaded into a real server with AGENTSITE_TOOLS: models whose words are the times at which they said them.

`stamped/steps` makes a turn of three steps every 150 ms, twenty steps a second, until it has made
AGENTSITE_BENCH_TURNS. `stamped/tokens` sends a hundred tokens a second, AGENTSITE_BENCH_TOKENS in all.
"""

import asyncio
import os
import time
from typing import Any

from runs.agent.messages import Delta, ModelProvider, ModelReply, ToolRequest
from runs.agent.providers.model_catalog import catalog

TURN_S, TOKEN_S = 0.15, 0.01
TURNS = int(os.environ.get("AGENTSITE_BENCH_TURNS", "330"))
TOKENS = int(os.environ.get("AGENTSITE_BENCH_TOKENS", "3000"))
TOKENS_OF_A_PARAGRAPH = 60
WORDS = " ".join(f"word{n:02}" for n in range(1, 21))


class StampedModel:
    """Times in nanoseconds since the epoch, as `t=…`."""

    name = "stamped"
    next_at = 0.0
    """When the next words are due, by the monotonic clock. Of all of them: one run is measured at a time."""

    def __init__(self, model: str) -> None:
        self.model = model

    async def reply(self, request: Any, *, on_delta: Any = None) -> ModelReply:
        """The next turn, or the whole answer."""
        if self.model == "tokens":
            return await self._tokens(on_delta)
        if len(request.turns) >= TURNS:
            return ModelReply(text="That was all.")
        await self._wait(TURN_S)
        call = ToolRequest("calculator", {"expression": "17 * 23"})
        return ModelReply(reasoning=f"t={time.time_ns()} {WORDS}", calls=(call,))

    async def _tokens(self, on_delta: Any) -> ModelReply:
        text = ""
        for number in range(1, TOKENS + 1):
            await self._wait(TOKEN_S)
            token = f"t={time.time_ns()}" + (" " if number % TOKENS_OF_A_PARAGRAPH else "\n\n")
            on_delta(Delta(token))
            text += token
        return ModelReply(text=text)

    async def _wait(self, interval_s: float) -> None:
        """Until the interval since the last time is over; what was late is not made up for."""
        now = time.monotonic()
        StampedModel.next_at = max(now, StampedModel.next_at + interval_s)
        await asyncio.sleep(StampedModel.next_at - now)


_others = catalog.provider_for


def _provider_for(name: str, **options: Any) -> ModelProvider:
    provider, _, model = name.partition("/")
    return StampedModel(model) if provider == "stamped" else _others(name, **options)


catalog.provider_for = _provider_for  # type: ignore[assignment]
