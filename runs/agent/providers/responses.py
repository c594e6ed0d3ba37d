"""Models behind OpenAI's Responses format: OpenAI itself and every server that speaks Open Responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runs.agent.providers.openai import OpenAIModel

if TYPE_CHECKING:
    from pydantic_ai.models import Model
    from pydantic_ai.profiles import ModelProfile
    from pydantic_ai.providers import Provider

    from runs.agent.messages import ModelRequest


class ResponsesModel(OpenAIModel):
    """One model behind the Responses format. Nothing is stored at the provider: each request has all of the past."""

    heavy = (
        "pydantic_ai.models.openai",
        "pydantic_ai.providers.openai",
        "pydantic_ai.providers.openai_compatible",
    )
    always_says_why_it_ended = True

    def at(self, provider: Provider[Any]) -> Model[Any]:
        """The model over the Responses API."""
        from pydantic_ai.models.openai import OpenAIResponsesModel as Transport

        return Transport(self.model, provider=provider)

    def settings(self, profile: ModelProfile, request: ModelRequest) -> dict[str, Any]:
        """No copy at the provider, and summaries of what the model thinks, where it can."""
        settings: dict[str, Any] = {"openai_store": False, **super().settings(profile, request)}
        if profile.get("supports_thinking", False):
            settings["openai_reasoning_summary"] = "auto"
        return settings
