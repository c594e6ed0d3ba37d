"""The base class of wire formats: connection, additional settings, and the reading of streams."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from runs.agent.errors.model_exceptions import ModelFailure
from runs.agent.json_data.json_types import JsonMapping, JsonObject
from runs.agent.messages import ModelRequest
from runs.agent.providers.capabilities import UNKNOWN, Capabilities
from runs.agent.providers.model_server import Server, account_of
from runs.agent.providers.server_adaptations import adapt, learnt

if TYPE_CHECKING:
    import httpx2
    from pydantic_ai.models import Model
    from pydantic_ai.profiles import ModelProfile
    from pydantic_ai.providers import Provider

    from runs.agent.providers.event_streams.exchange import StreamFormat

ALWAYS_THINKS = "it always thinks. Choose low in place of none as its reasoning_effort, or leave that empty."


class WireFormat(ABC):
    """The wire format of one model at one server. Each subclass is one format."""

    heavy: ClassVar[tuple[str, ...]]
    """The modules that the format needs in addition to the transport."""
    always_says_why_it_ended: ClassVar[bool] = True
    """True if a reply without a finish reason was cut off."""
    call_id_pattern: ClassVar[re.Pattern[str]] = re.compile(r"(?s).*")
    """The pattern of call ids that the format accepts in requests."""
    smallest_output: ClassVar[int] = 1
    """The smallest allowed limit of the output, in tokens."""
    can_do_without: ClassVar[frozenset[str]] = frozenset()
    """The possible adaptations of this format, by their name in `server_adaptations.py`."""

    def __init__(self, model: str, server: Server, *, capabilities: Capabilities = UNKNOWN) -> None:
        self.model = model
        self.server = server
        self.capabilities = capabilities
        self.account = account_of(server)

    @property
    def name(self) -> str:
        """The name of the server."""
        return self.server.name

    @abstractmethod
    def connect(self, http: httpx2.AsyncClient) -> Provider[Any]:
        """The transport's provider over these connections. It must not retry: the run does."""

    @abstractmethod
    def at(self, provider: Provider[Any]) -> Model[Any]:
        """The transport's model."""

    @abstractmethod
    def stream_format(self, tool_names: Sequence[str]) -> StreamFormat:
        """The normaliser for one stream; `tool_names` are the tools offered in the request."""

    @abstractmethod
    def sdk_errors(self) -> tuple[type[Exception], ...]:
        """The base classes of the SDK's errors."""

    def settings(self, profile: ModelProfile, request: ModelRequest) -> JsonObject:  # noqa: ARG002
        """Additional settings for the transport."""
        return {}

    def changed_body(self, body: JsonObject, request: ModelRequest) -> JsonObject:
        """The transport's body, with `more_body` and the agent's extra settings merged in."""
        more = deeply_merged(self.more_body(request), request.settings.extra)
        return deeply_merged(body, more) if more else body

    def more_body(self, request: ModelRequest) -> JsonObject:  # noqa: ARG002
        """Members of the body that the transport has no setting for."""
        return {}

    def setting_fault(self, profile: ModelProfile, request: ModelRequest) -> str:  # noqa: ARG002
        """Why the model refuses one of the request's settings; empty if it accepts all of them."""
        return ""

    def has_native_output(self, profile: ModelProfile, request: ModelRequest) -> bool:  # noqa: ARG002
        """True if the provider itself can enforce the output schema together with this request's tools."""
        can = self.capabilities.output_schema is not False and "no_output_schema" not in self.adaptations
        return can and bool(profile.get("supports_json_schema_output", False))

    @property
    def leaves_thoughts_in_text(self) -> bool:
        """True if thoughts may be in the text, between tags; hosted providers send them separately."""
        return self.server.name not in ("openai", "anthropic", "google")

    @property
    def signs_thoughts(self) -> bool:
        """True if a thought is only accepted back with its signature."""
        return False

    @property
    def adaptations(self) -> frozenset[str]:
        """The adaptations learnt for this model so far."""
        return learnt(self.account, self.model)

    def adapted(self, failure: ModelFailure, sent: frozenset[str]) -> ModelFailure:
        """The failure, with `again` set if the next request can leave out the refused part.

        `sent` is the value of `adaptations` when the refused request was made.
        """
        adapt(failure, self.account, self.model, possible=self.can_do_without, sent=sent)
        return failure


def deeply_merged(body: JsonObject, more: JsonMapping) -> JsonObject:
    """`body` with the members of `more`: objects in both are merged, other values of `more` take precedence."""
    merged = dict(body)
    for name, value in more.items():
        known = merged.get(name)
        is_object = isinstance(known, dict) and isinstance(value, Mapping)
        merged[name] = deeply_merged(known, value) if is_object else value  # type: ignore[arg-type]
    return merged
