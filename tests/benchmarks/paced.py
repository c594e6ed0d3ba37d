"""Loaded into workers with AGENTSITE_TOOLS: a model that makes a turn of three steps every 1.5 s, two a second."""

import asyncio
import os
from typing import Any

from runs.agent.messages import ModelProvider, ModelReply, ToolRequest
from runs.agent.providers.model_catalog import catalog

TURN_S = 1.5
TURNS = int(os.environ.get("AGENTSITE_BENCH_TURNS", "20"))
WORDS = " ".join(f"word{n:02}" for n in range(1, 21))


class PacedModel:
    """Waits 1.5 s, then sends 20 words and a call of the calculator, `TURNS` times; then answers."""

    name, model = "paced", "m1"

    async def reply(self, request: Any, *, on_delta: Any = None) -> ModelReply:
        """The next turn."""
        await asyncio.sleep(TURN_S)
        if len(request.turns) >= TURNS:
            return ModelReply(text="That was all.")
        return ModelReply(reasoning=WORDS, calls=(ToolRequest("calculator", {"expression": "17 * 23"}),))


_others = catalog.provider_for


def _provider_for(name: str, **options: Any) -> ModelProvider:
    return PacedModel() if name == "paced/m1" else _others(name, **options)


catalog.provider_for = _provider_for  # type: ignore[assignment]
