"""The chat-completions format, for OpenAI-compatible servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runs.agent.json_data.json_types import JsonObject
from runs.agent.providers.server_adaptations import ASSISTANT_AFTER_TOOLS
from runs.agent.providers.thinking_tags import TRANSPORT_TAGS
from runs.agent.providers.wire_format import WireFormat

if TYPE_CHECKING:
    from collections.abc import Sequence

    import httpx2
    from pydantic_ai.models import Model
    from pydantic_ai.profiles import ModelProfile
    from pydantic_ai.providers import Provider

    from runs.agent.messages import ModelRequest
    from runs.agent.providers.event_streams.exchange import StreamFormat


class OpenAIFormat(WireFormat):
    """The wire format of chat completions."""

    heavy = (
        "runs.agent.providers.formats.chat_model",
        "pydantic_ai.providers.openai",
        "pydantic_ai.providers.openai_compatible",
    )
    always_says_why_it_ended = False  # some servers never do
    can_do_without = frozenset(
        {
            *("no_stream_options", "no_parallel_tool_calls", "max_completion_tokens", "no_strict_tools"),
            *("no_output_schema", ASSISTANT_AFTER_TOOLS),
        }
    )

    @property
    def is_openai(self) -> bool:
        """True for OpenAI itself, which gets settings that other servers do not know."""
        return self.server.name == "openai"

    def connect(self, http: httpx2.AsyncClient) -> Provider[Any]:
        """A client of OpenAI, or of a compatible server, without assumptions that hold only for OpenAI."""
        from openai import AsyncOpenAI, Omit
        from pydantic_ai.providers.openai import OpenAIProvider
        from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

        # The SDK takes these from OPENAI_ORG_ID and OPENAI_PROJECT_ID, which other servers must not get.
        foreign: Any = {"OpenAI-Organization": Omit(), "OpenAI-Project": Omit()}
        client = AsyncOpenAI(
            base_url=self.server.base_url,
            api_key=self.server.key or "none",  # required by the SDK, which would else take OPENAI_API_KEY
            max_retries=0,
            default_headers=None if self.is_openai else foreign,
            http_client=http,
        )
        if self.is_openai:
            return OpenAIProvider(openai_client=client)
        return OpenAICompatibleProvider(self.server.name, openai_client=client)

    def at(self, provider: Provider[Any]) -> Model[Any]:
        """The transport's model over chat completions."""
        from runs.agent.providers.formats.chat_model import ChatModel

        return ChatModel(self.model, provider=provider, profile=self.changed_profile)

    def changed_profile(self, known: ModelProfile) -> ModelProfile:
        """The transport's profile of the model, corrected by the capabilities and adaptations of this server."""
        changed: JsonObject = {
            **known,
            # `thinking_tags.py` separates thoughts in the text, also if a tag is split over several pieces.
            "thinking_tags": TRANSPORT_TAGS,
            # The run parses the answer's JSON itself, and not every server knows this mode.
            "supports_json_object_output": False,
        }
        if not self.is_openai:
            is_strict = bool(self.capabilities.strict_tools) and "no_strict_tools" not in self.adaptations
            changed["openai_supports_strict_tool_definition"] = is_strict
            changed["openai_chat_supports_max_completion_tokens"] = "max_completion_tokens" in self.adaptations
            changed["supports_json_schema_output"] = True
        return changed  # type: ignore[return-value]  # a TypedDict with some keys of other families

    def stream_format(self, tool_names: Sequence[str]) -> StreamFormat:
        """A normaliser for chat completion streams."""
        from runs.agent.providers.event_streams.chat_completions import ChatCompletionStream

        return ChatCompletionStream(tool_names)

    def settings(self, profile: ModelProfile, request: ModelRequest) -> JsonObject:  # noqa: ARG002
        """Settings that leave out what this server refuses."""
        settings: JsonObject = {}
        if self.capabilities.stream_options is False or "no_stream_options" in self.adaptations:
            from runs.agent.providers.formats.chat_model import LEAVE_OUT_STREAM_OPTIONS

            settings[LEAVE_OUT_STREAM_OPTIONS] = True
        return settings

    def more_body(self, request: ModelRequest) -> JsonObject:
        """The reasoning effort, sent to every server: only the server knows whether its model reasons."""
        effort = request.settings.reasoning_effort
        return {} if effort is None else {"reasoning_effort": effort}

    def sdk_errors(self) -> tuple[type[Exception], ...]:
        """The base class of the SDK's errors."""
        from openai import OpenAIError

        return (OpenAIError,)
