"""Models behind the chat-completions format: OpenAI itself and every server that speaks it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runs.agent.providers.served import ServedModel, Server

if TYPE_CHECKING:
    import httpx2
    from pydantic_ai.models import Model
    from pydantic_ai.providers import Provider

__all__ = ["OpenAIModel", "Server"]


class OpenAIModel(ServedModel):
    """One model behind the chat-completions format."""

    heavy = (
        "runs.agent.providers.reported_cost",
        "pydantic_ai.providers.openai",
        "pydantic_ai.providers.openai_compatible",
    )
    always_says_why_it_ended = False  # some servers never do

    def connect(self, http: httpx2.AsyncClient) -> Provider[Any]:
        """OpenAI's own, or one that makes no assumptions only OpenAI keeps."""
        from openai import AsyncOpenAI, Omit
        from pydantic_ai.providers.openai import OpenAIProvider
        from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

        is_openai = self.server.name == "openai"
        # The SDK takes these from OPENAI_ORG_ID and OPENAI_PROJECT_ID, which are nobody else's business.
        foreign: Any = {"OpenAI-Organization": Omit(), "OpenAI-Project": Omit()}
        client = AsyncOpenAI(
            base_url=self.server.base_url,
            api_key=self.server.key or "none",  # the SDK insists on one, and without it takes OPENAI_API_KEY
            max_retries=0,
            default_headers=None if is_openai else foreign,
            http_client=http,
        )
        if is_openai:
            return OpenAIProvider(openai_client=client)
        return OpenAICompatibleProvider(self.server.name, openai_client=client)

    def at(self, provider: Provider[Any]) -> Model[Any]:
        """The model over chat completions."""
        from runs.agent.providers.reported_cost import ChatModel

        return ChatModel(self.model, provider=provider)

    def sdk_errors(self) -> tuple[type[Exception], ...]:
        """The base of all of them."""
        from openai import OpenAIError

        return (OpenAIError,)
