"""The Responses format, for OpenAI and servers that implement Open Responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runs.agent.json_data.json_types import JsonObject
from runs.agent.providers.formats.openai import OpenAIFormat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic_ai.models import Model
    from pydantic_ai.profiles import ModelProfile
    from pydantic_ai.providers import Provider

    from runs.agent.messages import ModelRequest
    from runs.agent.providers.event_streams.exchange import StreamFormat


def _as_item(item: Any) -> Any:
    if not isinstance(item, dict) or item.get("role") != "assistant" or not isinstance(item.get("content"), str):
        return item
    text = {"type": "output_text", "text": item["content"], "annotations": []}
    return {**item, "type": "message", "content": [text]}


class ResponsesFormat(OpenAIFormat):
    """The wire format of the Responses API. Nothing is stored at the provider: each request has the full
    conversation."""

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

    @property
    def signs_thoughts(self) -> bool:
        """True: thoughts are not stored at the provider, so they are sent back encrypted."""
        return True

    def at(self, provider: Provider[Any]) -> Model[Any]:
        """The transport's model over the Responses API."""
        from pydantic_ai.models.openai import OpenAIResponsesModel as Transport

        return Transport(self.model, provider=provider, profile=self.changed_profile)

    def changed_profile(self, known: ModelProfile) -> ModelProfile:
        """As for chat completions; encrypted thoughts are requested only from models that may have some."""
        changed: JsonObject = {**super().changed_profile(known)}
        if not self.is_openai:
            # Whether the model reasons is unknown. If it does, only encrypted thoughts can be sent back.
            changed["openai_supports_encrypted_reasoning_content"] = True
        if "no_encrypted_reasoning" in self.adaptations:
            changed["openai_supports_encrypted_reasoning_content"] = False
        # llama.cpp accepts the schema and ignores it, so the instructions describe it too.
        changed["native_output_requires_schema_in_instructions"] = not self.is_openai
        return changed  # type: ignore[return-value]  # a TypedDict with some keys of other families

    def stream_format(self, tool_names: Sequence[str]) -> StreamFormat:  # noqa: ARG002
        """A normaliser for Responses streams."""
        from runs.agent.providers.event_streams.responses import ResponseStream

        return ResponseStream()

    def settings(self, profile: ModelProfile, request: ModelRequest) -> JsonObject:
        """No storage at the provider; the effort and summaries of the reasoning for models that reason."""
        settings: JsonObject = {"openai_store": False}
        effort = request.settings.reasoning_effort
        if profile.get("openai_supports_reasoning", False):
            if effort is not None:
                settings["openai_reasoning_effort"] = effort
            if effort != "none" and "no_reasoning_summary" not in self.adaptations:
                settings["openai_reasoning_summary"] = "auto"
        return settings

    def setting_fault(self, profile: ModelProfile, request: ModelRequest) -> str:
        """OpenAI's reasoning models refuse temperature and top_p while they reason. Other servers are not checked."""
        asked = request.settings
        if not self.is_openai:
            return ""
        if not profile.get("openai_supports_reasoning", False):
            return "" if asked.reasoning_effort in (None, "none") else NO_EFFORT
        reasons = asked.reasoning_effort != "none" if asked.reasoning_effort else _reasons_by_default(profile)
        for name in ("temperature", "top_p"):
            if reasons and getattr(asked, name) is not None:
                return f"it takes no {name} while it reasons. Leave {name} empty, or set reasoning_effort to none."
        efforts: Any = profile.get("openai_reasoning_efforts")
        if efforts is not None and asked.reasoning_effort is not None and asked.reasoning_effort not in efforts:
            return f"its reasoning_effort is one of {', '.join(sorted(efforts))}, not {asked.reasoning_effort}."
        return ""

    def more_body(self, request: ModelRequest) -> JsonObject:
        """The reasoning effort, for servers other than OpenAI: only the server knows whether its model reasons."""
        effort = request.settings.reasoning_effort
        return {} if effort is None or self.is_openai else {"reasoning": {"effort": effort}}

    def changed_body(self, body: JsonObject, request: ModelRequest) -> JsonObject:
        """Earlier replies as full message items for servers other than OpenAI, which do not know its short form."""
        body = super().changed_body(body, request)
        items = body.get("input")
        if self.is_openai or not isinstance(items, list):
            return body
        return {**body, "input": [_as_item(item) for item in items]}


NO_EFFORT = "it does not reason, so it takes no reasoning_effort. Leave that empty."


def _reasons_by_default(profile: ModelProfile) -> bool:
    return bool(profile.get("thinking_always_enabled", False) or profile.get("thinking_enabled_by_default", False))
