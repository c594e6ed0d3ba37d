"""Gemini models behind Google's generateContent format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runs.agent.messages import ModelRequest
from runs.agent.providers.served import ServedModel

if TYPE_CHECKING:
    import httpx2
    from pydantic_ai.models import Model
    from pydantic_ai.profiles import ModelProfile
    from pydantic_ai.providers import Provider


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

    def sdk_errors(self) -> tuple[type[Exception], ...]:
        """The base of all of them."""
        from google.genai.errors import APIError

        return (APIError,)

    def settings(self, profile: ModelProfile, request: ModelRequest) -> dict[str, Any]:  # noqa: ARG002
        """Thoughts that can be read, where the model thinks: it does so anyway, and they cost the same."""
        if not profile.get("supports_thinking", False):
            return {}
        return {"google_thinking_config": {"include_thoughts": True}}

    def has_native_output(self, profile: ModelProfile, request: ModelRequest) -> bool:
        """True but for older models with tools: those take either a schema or tools."""
        together = not request.tools or profile.get("google_supports_tool_combination", False)
        return bool(profile.get("supports_json_schema_output", False) and together)
