"""The transport's model for chat completions, adapted to servers other than OpenAI's. Slow to import."""

from dataclasses import dataclass
from typing import cast

from openai import Omit
from openai.types import chat
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIChatModelSettings

from runs.agent.json_data.json_types import JsonObject

LEAVE_OUT_STREAM_OPTIONS = "agentsite_no_stream_options"
"""Our own setting, for servers that refuse `stream_options`."""


class ChatModel(OpenAIChatModel):
    """A chat model that sends `reasoning_details` back, and can leave out `stream_options`."""

    def _get_stream_options(self, model_settings: OpenAIChatModelSettings) -> chat.ChatCompletionStreamOptionsParam:
        if cast(JsonObject, model_settings).get(LEAVE_OUT_STREAM_OPTIONS):
            return cast(chat.ChatCompletionStreamOptionsParam, Omit())
        return super()._get_stream_options(model_settings)

    @dataclass
    class _MapModelResponseContext(OpenAIChatModel._MapModelResponseContext):  # noqa: SLF001 - meant to be subclassed
        def _into_message_param(self) -> chat.ChatCompletionAssistantMessageParam | None:
            param = super()._into_message_param()
            details = (self.message.provider_details or {}) if self.message is not None else {}
            if param is not None and (reasoning := details.get("reasoning_details")):
                # Unchanged: without them OpenRouter refuses the request after a turn with calls.
                told = cast(JsonObject, param)
                told["reasoning_details"] = reasoning
                told.pop("reasoning", None)
            return param
