"""The run that is stopped at each of its awaits: a script with many of them, and its tools."""

import asyncio
import time
from contextlib import asynccontextmanager
from types import ModuleType
from typing import Any

import pytest

from runs.agent import AgentState, ToolFailed, agent_execution, tool
from runs.agent.errors.model_exceptions import ModelFailure
from runs.agent.messages import ModelReply, ToolRequest
from runs.agent.providers.scripted import ScriptedModel
from runs.agent.usage import Usage

TOOLS = ("fuzz_read", "fuzz_thread", "fuzz_unsafe", "fuzz_fails")
ANSWER = "Done: **bold**, so that it is rendered in a thread."


class AskedOverTheNet(ScriptedModel):
    """A model whose replies take a few turns of the event loop."""

    tokens_given = 0
    """Tokens of its replies so far, used or not."""

    async def reply(self, request: Any, **options: Any) -> ModelReply:
        for _ in range(3):
            await asyncio.sleep(0)
        reply = await super().reply(request, **options)
        self.tokens_given += reply.usage.total_tokens or 0
        return reply


def script(*, fails_first: bool = True) -> AskedOverTheNet:
    """Optionally a failed attempt, four parallel calls, one of which fails, then an answer rendered in a thread."""
    down = ModelFailure("Down.", kind="server", provider="scripted", model="scripted", status=503)
    calls = tuple(ToolRequest(name, {}) for name in TOOLS)
    return AskedOverTheNet(
        *([down] if fails_first else []),
        ModelReply("I **begin**.", calls=calls, usage=Usage(output_tokens=10)),
        ModelReply(ANSWER, usage=Usage(output_tokens=5)),
    )


def register_tools() -> None:
    """Register the tools of the script, one of each effect. Their cleanup is slow."""

    @tool(effect="read")
    async def fuzz_read() -> str:
        """Read."""
        try:
            await asyncio.sleep(0)
            await asyncio.sleep(0.001)
        finally:
            for _ in range(3):  # Closing a connection takes a moment.
                await asyncio.sleep(0)
        return "read"

    @tool(effect="pure")
    def fuzz_thread() -> str:
        """Think."""
        time.sleep(0.001)  # In a thread of its own.
        return "thought"

    @tool(effect="unsafe")
    async def fuzz_unsafe() -> str:
        """Send."""
        await asyncio.sleep(0.001)
        return "sent"

    @tool(effect="idempotent")
    async def fuzz_fails() -> str:
        """Break."""
        await asyncio.sleep(0)
        raise ToolFailed("broken")


def watch_states(monkeypatch: pytest.MonkeyPatch, where: ModuleType) -> list[AgentState]:
    """The states of the runs that the module `where` executes from now on, in order."""
    seen: list[AgentState] = []

    @asynccontextmanager
    async def watched(task: str) -> Any:
        async with agent_execution(task) as state:
            seen.append(state)
            yield state

    monkeypatch.setattr(where, "agent_execution", watched)
    return seen
