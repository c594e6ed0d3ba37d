"""A model at a server. It is cheap to create; the transport is loaded at the first request."""

import asyncio
from importlib import import_module
from typing import Final

from runs.agent.budget.pricing import Price
from runs.agent.messages import ModelReply, ModelRequest, OnDelta
from runs.agent.providers.capabilities import Capabilities
from runs.agent.providers.model_server import Server
from runs.agent.providers.wire_format import WireFormat

_TRANSPORT: Final = "runs.agent.providers.transport"
_loaded: set[str] = set()


class RemoteModel:
    """One model at one server, with its wire format. All models of a server share their connections."""

    def __init__(self, wire_format: WireFormat, *, price: Price | None = None) -> None:
        """`price` None: the price is looked up in the price lists."""
        self.wire_format = wire_format
        self.name = wire_format.name
        self.model = wire_format.model
        self.price = price
        self.account = wire_format.account
        """The identifier of server and key: limits learnt by one run hold for all models with the same account."""

    def __repr__(self) -> str:
        return f"<{self.model!r} at {self.name!r}>"

    @property
    def server(self) -> Server:
        """The server of its requests."""
        return self.wire_format.server

    @property
    def capabilities(self) -> Capabilities:
        """The known capabilities of the model."""
        return self.wire_format.capabilities

    async def reply(self, request: ModelRequest, *, on_delta: OnDelta | None = None) -> ModelReply:
        """The next reply, streamed. Raises `ModelFailure`; on cancellation the connection is closed."""
        await self._load()
        from runs.agent.providers import transport

        return await transport.reply(self.wire_format, request, on_delta)

    async def load(self) -> None:
        """Load the transport and create a client, as the first request would."""
        await self._load()
        from runs.agent.providers import client_pool

        await client_pool.transport_of(self.wire_format)

    async def _load(self) -> None:
        if not _loaded.issuperset(self.wire_format.heavy):
            # The transport and an SDK take 2.4 s and 120 MB to load: only when needed, and not on the event loop.
            await asyncio.to_thread(load_format, type(self.wire_format))


def load_format(wire_format: type[WireFormat]) -> None:
    """Load the transport and the format's SDK in this thread, once."""
    for name in (_TRANSPORT, *wire_format.heavy):
        import_module(name)
    _loaded.update(wire_format.heavy)
