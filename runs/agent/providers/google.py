"""Gemini models behind Google's generateContent format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runs.agent.messages import ModelRequest
from runs.agent.providers.served import ALWAYS_THINKS, ServedModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    import httpx2
    from pydantic_ai.models import Model
    from pydantic_ai.profiles import ModelProfile
    from pydantic_ai.providers import Provider

    from runs.agent.providers.event_streams.exchange import StreamFormat


class GoogleModel(ServedModel):
    """One model behind the generateContent format."""

    heavy = ("pydantic_ai.models.google", "pydantic_ai.providers.google")

    def connect(self, http: httpx2.AsyncClient) -> Provider[Any]:
        """The Gemini API by key. Without retry options the SDK tries nothing again."""
        from pydantic_ai.providers.google import GoogleProvider

        return GoogleProvider(api_key=self.server.key or "none", base_url=self.server.base_url, http_client=http)

    def at(self, provider: Provider[Any]) -> Model[Any]:
        """The model over generateContent."""
        from pydantic_ai.models.google import GoogleModel as Transport

        return Transport(self.model, provider=provider)

    def stream_format(self, tool_names: Sequence[str]) -> StreamFormat:  # noqa: ARG002
        """GenerateContent."""
        from runs.agent.providers.event_streams.gemini_contents import ContentStream

        return ContentStream()

    def sdk_errors(self) -> tuple[type[Exception], ...]:
        """The base of all of them."""
        from google.genai.errors import APIError

        return (APIError,)

    def settings(self, profile: ModelProfile, request: ModelRequest) -> dict[str, Any]:
        """Thoughts that can be read, where the model thinks: it does so anyway, and they cost the same."""
        if not profile.get("supports_thinking", False):
            return {}
        effort = request.settings.reasoning_effort
        if effort is None:
            return {"google_thinking_config": {"include_thoughts": True}}
        return {"thinking": False if effort == "none" else effort}  # which shows thoughts, too

    def setting_fault(self, profile: ModelProfile, request: ModelRequest) -> str:
        """Models that do not think take no effort."""
        effort = request.settings.reasoning_effort
        if effort not in (None, "none") and not profile.get("supports_thinking", False):
            return "it does not think, so it takes no reasoning_effort. Leave that empty."
        return ALWAYS_THINKS if effort == "none" and profile.get("thinking_always_enabled", False) else ""

    def has_native_output(self, profile: ModelProfile, request: ModelRequest) -> bool:
        """True but for older models with tools: those take either a schema or tools."""
        together = not request.tools or bool(profile.get("google_supports_tool_combination", False))
        return super().has_native_output(profile, request) and together
