"""The transport's model for chat completions, with what servers other than OpenAI's want. Slow to import."""

from dataclasses import dataclass
from typing import Any, cast

from openai import Omit
from openai.types import chat
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIChatModelSettings

LEAVE_OUT_STREAM_OPTIONS = "agentsite_no_stream_options"
"""A setting of ours: the server refuses to be asked for the usage."""


class ChatModel(OpenAIChatModel):
    """Sends back what the provider wants back of a turn, and leaves out what the server does not know."""

    def _get_stream_options(self, model_settings: OpenAIChatModelSettings) -> chat.ChatCompletionStreamOptionsParam:
        if cast(dict[str, Any], model_settings).get(LEAVE_OUT_STREAM_OPTIONS):
            return cast(chat.ChatCompletionStreamOptionsParam, Omit())
        return super()._get_stream_options(model_settings)

    @dataclass
    class _MapModelResponseContext(OpenAIChatModel._MapModelResponseContext):  # noqa: SLF001 - meant to be subclassed
        def _into_message_param(self) -> chat.ChatCompletionAssistantMessageParam | None:
            param = super()._into_message_param()
            details = (self.message.provider_details or {}) if self.message is not None else {}
            if param is not None and (reasoning := details.get("reasoning_details")):
                # As they came: OpenRouter refuses the next request of a turn with calls without them.
                told = cast(dict[str, Any], param)
                told["reasoning_details"] = reasoning
                told.pop("reasoning", None)
            return param
