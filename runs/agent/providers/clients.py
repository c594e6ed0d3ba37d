"""One client, with its connections, for each server and event loop; closed when the loop ends."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import httpx2
from pydantic_ai.models import Model, get_user_agent
from pydantic_ai.providers import Provider

from runs.agent.providers.event_streams.http_client import EventStreamClient
from runs.agent.providers.served import ServedModel, Server

_Kind = tuple[type[ServedModel], Server]


@dataclass(slots=True)
class _Client:
    http: httpx2.AsyncClient
    provider: Provider[Any]


@dataclass(slots=True)
class _OfOneLoop:
    clients: dict[_Kind, _Client] = field(default_factory=dict)
    models: dict[tuple[Any, ...], Model[Any]] = field(default_factory=dict)
    closing: AsyncGenerator[None, None] | None = None


_loops: dict[asyncio.AbstractEventLoop, _OfOneLoop] = {}
_opened: ContextVar[list[httpx2.Response] | None] = ContextVar("responses opened for one reply", default=None)


async def transport_of(served: ServedModel) -> Model[Any]:
    """The transport's model. Making a client costs a TLS context, and its connections belong to this event loop."""
    loop = asyncio.get_running_loop()
    known = _loops.get(loop)
    if known is None:
        known = _loops[loop] = _OfOneLoop()
        # An event loop ends its asynchronous generators before it closes: the one hook at which connections can
        # still be closed properly.
        known.closing = _close_with(loop)
        await anext(known.closing)
    kind = (type(served), served.server)
    # What a server has refused changes what the transport believes of its models.
    key = (kind, served.model, served.capabilities, served.adaptations)
    if key not in known.models:
        if kind not in known.clients:
            http = _connections()
            known.clients[kind] = _Client(http, served.connect(http))
        known.models[key] = served.at(known.clients[kind].provider)
    return known.models[key]


@asynccontextmanager
async def nothing_stays_open() -> AsyncIterator[None]:
    """Close every response opened inside, whatever happens there.

    A reply that was read to its end has given its connection back, and closing it does nothing. google-genai leaves
    the connection of any other open when its stream is closed, and the model goes on writing at our cost.
    """
    opened: list[httpx2.Response] = []
    token = _opened.set(opened)
    try:
        yield
    finally:
        _opened.reset(token)
        for response in opened:
            await response.aclose()


async def _remember(response: httpx2.Response) -> None:
    opened = _opened.get()
    if opened is not None:
        opened.append(response)


def _connections() -> httpx2.AsyncClient:
    return EventStreamClient(
        # As long as a request may take is said by each; connecting is given up after 5 s.
        timeout=httpx2.Timeout(timeout=600, connect=5),
        limits=httpx2.Limits(max_connections=1000, max_keepalive_connections=100),
        headers={"User-Agent": get_user_agent()},
        event_hooks={"response": [_remember]},
    )


async def _close_with(loop: asyncio.AbstractEventLoop) -> AsyncGenerator[None, None]:
    try:
        yield
    finally:
        for client in _loops.pop(loop, _OfOneLoop()).clients.values():
            await client.http.aclose()
