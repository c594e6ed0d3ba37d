"""Models behind the OpenAI chat-completions format: OpenAI itself and every server that speaks it."""

import asyncio
import sys
from dataclasses import dataclass, field
from importlib import import_module

from runs.agent.messages import ModelReply, ModelRequest, OnDelta

_HEAVY = "runs.agent.providers.chat"


@dataclass(frozen=True, slots=True)
class Server:
    """Where requests go."""

    name: str
    """`openai`, or the name of an own endpoint."""
    base_url: str
    key: str | None = field(default=None, repr=False)
    """None for a server that wants none."""


class OpenAIModel:
    """One model at one server. Cheap to make: connections are shared by all models of a server."""

    def __init__(self, model: str, server: Server) -> None:
        self.name = server.name
        self.model = model
        self.server = server

    def __repr__(self) -> str:
        return f"<{self.model!r} at {self.name!r}>"

    async def reply(self, request: ModelRequest, *, on_delta: OnDelta | None = None) -> ModelReply:
        """The next reply, streamed. Raises `ModelFailure`; on cancellation the connection is closed."""
        if _HEAVY not in sys.modules:
            # The transport and the SDK take 2.4 s and 120 MB to load: only if used, and not on the event loop.
            await asyncio.to_thread(import_module, _HEAVY)
        from runs.agent.providers import chat

        return await chat.reply(self.server, self.model, request, on_delta)
