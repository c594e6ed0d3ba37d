"""A model at a server: cheap to make; what is heavy is loaded when the first reply is asked for."""

from __future__ import annotations

import asyncio
import hashlib
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from runs.agent.errors import ModelFailure
from runs.agent.messages import ModelReply, ModelRequest, OnDelta
from runs.agent.money import Price
from runs.agent.providers.adaptations import adapt, learnt
from runs.agent.providers.capabilities import UNKNOWN, Capabilities

if TYPE_CHECKING:
    import httpx2
    from pydantic_ai.models import Model
    from pydantic_ai.profiles import ModelProfile
    from pydantic_ai.providers import Provider

    from runs.agent.providers.event_streams.exchange import StreamFormat

ALWAYS_THINKS = "it always thinks. Choose low in place of none as its reasoning_effort, or leave that empty."

_TRANSPORT = "runs.agent.providers.transport"
_loaded: set[str] = set()


@dataclass(frozen=True, slots=True)
class Server:
    """Where requests go."""

    name: str
    """`openai`, `anthropic`, `google`, or the name of an own endpoint."""
    base_url: str
    key: str | None = field(default=None, repr=False)
    """None for a server that wants none."""


class ServedModel(ABC):
    """One model at one server. Connections are shared by all models of a server.

    A subclass is one wire format: how to connect, what to ask for beyond the request, and what its end looks like.
    """

    heavy: ClassVar[tuple[str, ...]]
    """The modules the format needs besides the transport."""
    always_says_why_it_ended: ClassVar[bool] = True
    """True if a reply without a finish reason was cut off."""
    call_id_pattern: ClassVar[re.Pattern[str]] = re.compile(r"(?s).*")
    """What the ids of calls may look like when they go back."""
    smallest_output: ClassVar[int] = 1
    """The least a limit on the output may be."""
    can_do_without: ClassVar[frozenset[str]] = frozenset()
    """Of `adaptations`: what a request of this format can leave out if the server refuses it."""

    def __init__(
        self, model: str, server: Server, *, price: Price | None = None, capabilities: Capabilities = UNKNOWN
    ) -> None:
        """`price` is what its replies cost; None looks it up in the price lists."""
        self.price = price
        self.capabilities = capabilities
        self.name = server.name
        self.model = model
        self.server = server
        self.account = account_of(server)
        """Who is asked with which key: what one run learns of its limits holds for all of them."""

    def __repr__(self) -> str:
        return f"<{self.model!r} at {self.name!r}>"

    async def reply(self, request: ModelRequest, *, on_delta: OnDelta | None = None) -> ModelReply:
        """The next reply, streamed. Raises `ModelFailure`; on cancellation the connection is closed."""
        await self._load()
        from runs.agent.providers import transport

        return await transport.reply(self, request, on_delta)

    async def load(self) -> None:
        """Do what the first reply would have to do first: load the transport, and make a client."""
        await self._load()
        from runs.agent.providers import clients

        await clients.transport_of(self)

    @classmethod
    def prepare(cls) -> None:
        """Load the transport and the SDK in this thread; what is loaded already costs nothing."""
        _load(cls.heavy)

    async def _load(self) -> None:
        if not _loaded.issuperset(self.heavy):
            # The transport and an SDK take 2.4 s and 120 MB to load: only if used, and not on the event loop.
            await asyncio.to_thread(_load, self.heavy)

    @abstractmethod
    def connect(self, http: httpx2.AsyncClient) -> Provider[Any]:
        """The transport's provider over these connections. It must try nothing again: retries are the run's."""

    @abstractmethod
    def at(self, provider: Provider[Any]) -> Model[Any]:
        """The transport's model."""

    @abstractmethod
    def stream_format(self, tool_names: Sequence[str]) -> StreamFormat:
        """How this format's streams are read; for one reply to a request that offers these tools."""

    @abstractmethod
    def sdk_errors(self) -> tuple[type[Exception], ...]:
        """The exceptions of the SDK."""

    def settings(self, profile: ModelProfile, request: ModelRequest) -> dict[str, Any]:  # noqa: ARG002
        """What to ask for beyond the request itself."""
        return {}

    def changed_body(self, body: dict[str, Any], request: ModelRequest) -> dict[str, Any]:
        """The body to send for the one the transport has made: with what the agent wants beyond."""
        more = deeply_merged(self.more_body(request), request.settings.extra)
        return deeply_merged(body, more) if more else body

    def more_body(self, request: ModelRequest) -> dict[str, Any]:  # noqa: ARG002
        """Members of the body that this format has and the transport has no setting for."""
        return {}

    def setting_fault(self, profile: ModelProfile, request: ModelRequest) -> str:  # noqa: ARG002
        """Why the model does not take one of the request's settings; empty if it takes all of them."""
        return ""

    def has_native_output(self, profile: ModelProfile, request: ModelRequest) -> bool:  # noqa: ARG002
        """True if the provider itself can hold the answer to the schema, with the tools of this request."""
        can = self.capabilities.output_schema is not False and "no_output_schema" not in self.adaptations
        return can and bool(profile.get("supports_json_schema_output", False))

    @property
    def leaves_thoughts_in_text(self) -> bool:
        """True if what it thinks may stand in its text, between tags; companies have a channel of its own for it."""
        return self.server.name not in ("openai", "anthropic", "google")

    @property
    def signs_thoughts(self) -> bool:
        """True if a thought goes back only with the signature it came with."""
        return False

    @property
    def adaptations(self) -> frozenset[str]:
        """What this model's server has refused, and requests do without by now."""
        return learnt(self.account, self.model)

    def adapted(self, failure: ModelFailure, sent: frozenset[str]) -> ModelFailure:
        """The failure, which says how the next request differs if it can be made without what was refused.

        `sent` is what `adaptations` was when the refused request was made.
        """
        adapt(failure, self.account, self.model, possible=self.can_do_without, sent=sent)
        return failure


def account_of(server: Server) -> str:
    """Who is asked with which key, as a text that does not tell the key."""
    key = hashlib.sha256((server.key or "").encode()).hexdigest()[:12]  # the key itself is nobody's business
    return f"{server.name} {server.base_url} {key}"


def deeply_merged(body: dict[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """`body` with the members of `more`; objects in both are merged, anything else of `more` wins."""
    merged = dict(body)
    for name, value in more.items():
        known = merged.get(name)
        is_object = isinstance(known, dict) and isinstance(value, Mapping)
        merged[name] = deeply_merged(known, value) if is_object else value  # type: ignore[arg-type]
    return merged


def _load(modules: tuple[str, ...]) -> None:
    for name in (_TRANSPORT, *modules):
        import_module(name)
    _loaded.update(modules)
