"""Chat completions whose usage says what they cost in USD, as OpenRouter and gateways like it do. Slow to import."""

import math
from dataclasses import dataclass
from decimal import Decimal

from openai.types.chat import ChatCompletionChunk
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIStreamedResponse
from pydantic_ai.usage import RequestUsage


@dataclass
class _Stream(OpenAIStreamedResponse):
    def _map_usage(self, response: ChatCompletionChunk) -> RequestUsage:
        usage = super()._map_usage(response)
        cost = getattr(response.usage, "cost", None)
        if isinstance(cost, int | float) and math.isfinite(cost) and cost >= 0:
            usage.cost = Decimal(str(cost))
        return usage


class ChatModel(OpenAIChatModel):
    """The transport's model, which does not read the cost of a stream by itself."""

    @property
    def _streamed_response_cls(self) -> type[OpenAIStreamedResponse]:
        return _Stream
