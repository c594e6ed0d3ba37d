"""Models behind OpenAI's Responses format: OpenAI itself and every server that speaks Open Responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runs.agent.providers.openai import OpenAIModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic_ai.models import Model
    from pydantic_ai.profiles import ModelProfile
    from pydantic_ai.providers import Provider

    from runs.agent.messages import ModelRequest
    from runs.agent.providers.event_streams.exchange import StreamFormat


class ResponsesModel(OpenAIModel):
    """One model behind the Responses format. Nothing is stored at the provider: each request has all of the past."""

    heavy = (
        "pydantic_ai.models.openai",
        "pydantic_ai.providers.openai",
        "pydantic_ai.providers.openai_compatible",
    )
    always_says_why_it_ended = True
    smallest_output = 16  # https://platform.openai.com/docs/api-reference/responses/create#max_output_tokens
    can_do_without = frozenset(
        {"no_parallel_tool_calls", "no_output_schema", "no_reasoning_summary", "no_encrypted_reasoning"}
    )

    def at(self, provider: Provider[Any]) -> Model[Any]:
        """The model over the Responses API."""
        from pydantic_ai.models.openai import OpenAIResponsesModel as Transport

        return Transport(self.model, provider=provider, profile=self.changed_profile)

    def changed_profile(self, known: ModelProfile) -> ModelProfile:
        """As for chat completions; and encrypted thoughts are asked for only where the model has some."""
        changed: dict[str, Any] = {**super().changed_profile(known)}
        if "no_encrypted_reasoning" in self.adaptations:
            changed["openai_supports_encrypted_reasoning_content"] = False
        return changed  # type: ignore[return-value]  # a TypedDict with some keys of other families

    def stream_format(self, tool_names: Sequence[str]) -> StreamFormat:  # noqa: ARG002
        """Responses."""
        from runs.agent.providers.event_streams.responses import ResponseStream

        return ResponseStream()

    def settings(self, profile: ModelProfile, request: ModelRequest) -> dict[str, Any]:
        """No copy at the provider, how much to think, and summaries of what the model thinks, where it can."""
        settings: dict[str, Any] = {"openai_store": False}
        effort = request.settings.reasoning_effort
        if profile.get("openai_supports_reasoning", False):
            if effort is not None:
                settings["openai_reasoning_effort"] = effort
            if effort != "none" and "no_reasoning_summary" not in self.adaptations:
                settings["openai_reasoning_summary"] = "auto"
        elif effort is not None:
            # A model nobody knows anything about, at a server of one's own.
            settings["extra_body"] = {"reasoning": {"effort": effort}}
        return settings
