"""One client, with its connections, for each server and event loop; closed when the loop ends."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

from openai import AsyncOpenAI, Omit
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers import Provider
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

from runs.agent.providers.openai import Server


@dataclass(slots=True)
class _OfOneLoop:
    providers: dict[Server, Provider[AsyncOpenAI]] = field(default_factory=dict)
    models: dict[tuple[Server, str], OpenAIChatModel] = field(default_factory=dict)
    closing: AsyncGenerator[None, None] | None = None


_loops: dict[asyncio.AbstractEventLoop, _OfOneLoop] = {}


async def model_at(server: Server, model: str) -> OpenAIChatModel:
    """The transport's model. Making a client costs a TLS context, and its connections belong to this event loop."""
    loop = asyncio.get_running_loop()
    known = _loops.get(loop)
    if known is None:
        known = _loops[loop] = _OfOneLoop()
        # An event loop ends its asynchronous generators before it closes: the one hook at which connections can
        # still be closed properly.
        known.closing = _close_with(loop)
        await anext(known.closing)
    if (server, model) not in known.models:
        if server not in known.providers:
            known.providers[server] = _provider(server)
        known.models[server, model] = OpenAIChatModel(model, provider=known.providers[server])
    return known.models[server, model]


async def _close_with(loop: asyncio.AbstractEventLoop) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        for provider in _loops.pop(loop, _OfOneLoop()).providers.values():
            await provider.client.close()


def _provider(server: Server) -> Provider[AsyncOpenAI]:
    # The SDK takes these from OPENAI_ORG_ID and OPENAI_PROJECT_ID, which are nobody else's business.
    foreign: Any = {"OpenAI-Organization": Omit(), "OpenAI-Project": Omit()}
    client = AsyncOpenAI(
        base_url=server.base_url,
        api_key=server.key or "none",  # the SDK insists on one, and without it takes OPENAI_API_KEY
        max_retries=0,  # retries are the run's, or a server would see three requests for each attempt
        default_headers=None if server.name == "openai" else foreign,
    )
    if server.name == "openai":
        return OpenAIProvider(openai_client=client)
    return OpenAICompatibleProvider(server.name, openai_client=client)
