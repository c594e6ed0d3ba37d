"""The generateContent format of Google, for Gemini models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runs.agent.json_data.json_types import JsonObject
from runs.agent.messages import ModelRequest
from runs.agent.providers.wire_format import ALWAYS_THINKS, WireFormat

if TYPE_CHECKING:
    from collections.abc import Sequence

    import httpx2
    from pydantic_ai.models import Model
    from pydantic_ai.profiles import ModelProfile
    from pydantic_ai.providers import Provider

    from runs.agent.providers.event_streams.exchange import StreamFormat


class GoogleFormat(WireFormat):
    """The wire format of the Gemini API."""

    heavy = ("pydantic_ai.models.google", "pydantic_ai.providers.google")

    def connect(self, http: httpx2.AsyncClient) -> Provider[Any]:
        """A client of the Gemini API with a key. Without retry options the SDK does not retry."""
        from pydantic_ai.providers.google import GoogleProvider

        return GoogleProvider(api_key=self.server.key or "none", base_url=self.server.base_url, http_client=http)

    def at(self, provider: Provider[Any]) -> Model[Any]:
        """The transport's model over generateContent."""
        from pydantic_ai.models.google import GoogleModel as Transport

        return Transport(self.model, provider=provider)

    def stream_format(self, tool_names: Sequence[str]) -> StreamFormat:  # noqa: ARG002
        """A normaliser for generateContent streams."""
        from runs.agent.providers.event_streams.gemini_contents import ContentStream

        return ContentStream()

    def sdk_errors(self) -> tuple[type[Exception], ...]:
        """The base class of the SDK's errors."""
        from google.genai.errors import APIError

        return (APIError,)

    def settings(self, profile: ModelProfile, request: ModelRequest) -> JsonObject:
        """Readable thoughts for models that think, at no extra cost, and the reasoning effort."""
        if not profile.get("supports_thinking", False):
            return {}
        effort = request.settings.reasoning_effort
        if effort is None:
            return {"google_thinking_config": {"include_thoughts": True}}
        return {"thinking": False if effort == "none" else effort}  # which includes thoughts, too

    def setting_fault(self, profile: ModelProfile, request: ModelRequest) -> str:
        """A fault for a reasoning effort that the model does not support."""
        effort = request.settings.reasoning_effort
        if effort not in (None, "none") and not profile.get("supports_thinking", False):
            return "it does not think, so it takes no reasoning_effort. Leave that empty."
        return ALWAYS_THINKS if effort == "none" and profile.get("thinking_always_enabled", False) else ""

    def has_native_output(self, profile: ModelProfile, request: ModelRequest) -> bool:
        """True except for older models in a request with tools: they accept either a schema or tools."""
        together = not request.tools or bool(profile.get("google_supports_tool_combination", False))
        return super().has_native_output(profile, request) and together
