"""A pool of HTTP clients: one per server and event loop, closed when the loop ends."""

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
from runs.agent.providers.model_server import Server
from runs.agent.providers.wire_format import WireFormat
from runs.agent.tls import tls_context

_Kind = tuple[type[WireFormat], Server]


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


async def transport_of(wire_format: WireFormat) -> Model[Any]:
    """The cached model of the transport. The connections of a client belong to this event loop."""
    loop = asyncio.get_running_loop()
    known = _loops.get(loop)
    if known is None:
        known = _loops[loop] = _OfOneLoop()
        # An event loop closes its asynchronous generators before it ends: the only hook where connections can still be
        # # closed properly.
        known.closing = _close_with(loop)
        await anext(known.closing)
    kind = (type(wire_format), wire_format.server)
    # The adaptations are part of the key: a refusal by the server changes the model's profile.
    key = (kind, wire_format.model, wire_format.capabilities, wire_format.adaptations)
    if key not in known.models:
        if kind not in known.clients:
            http = _connections()
            known.clients[kind] = _Client(http, wire_format.connect(http))
        known.models[key] = wire_format.at(known.clients[kind].provider)
    return known.models[key]


@asynccontextmanager
async def nothing_stays_open() -> AsyncIterator[None]:
    """Close every response opened in the block, also after an exception.

    A response that was read to its end has returned its connection, and closing it does nothing. Of any other,
    google-genai leaves the connection open when its stream is closed, and the model goes on generating paid tokens.
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
        verify=tls_context(),
        # Each request sets its own time limit; connecting is limited to 5 s.
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
