"""Models behind Anthropic's Messages format: Claude, and every server that speaks it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runs.agent.messages import ModelRequest
from runs.agent.providers.served import ServedModel

if TYPE_CHECKING:
    import httpx2
    from pydantic_ai.models import Model
    from pydantic_ai.profiles import ModelProfile
    from pydantic_ai.providers import Provider


class AnthropicModel(ServedModel):
    """One model behind the Messages format."""

    heavy = ("pydantic_ai.models.anthropic", "pydantic_ai.providers.anthropic")

    def connect(self, http: httpx2.AsyncClient) -> Provider[Any]:
        """A client of this server and this key only."""
        from anthropic import AsyncAnthropic
        from pydantic_ai.providers.anthropic import AnthropicProvider

        # A key of any kind keeps the SDK from looking for credentials in the environment and in files. It sends the
        # key as a bearer; servers that learnt the format earlier look for it where it was then.
        key = self.server.key or "none"
        client = AsyncAnthropic(
            base_url=self.server.base_url.rstrip("/").removesuffix("/v1"),  # the SDK adds /v1 itself
            api_key=key,
            max_retries=0,
            http_client=http,
            default_headers=None if self.server.name == "anthropic" else {"X-Api-Key": key},
        )
        return AnthropicProvider(anthropic_client=client)

    def at(self, provider: Provider[Any]) -> Model[Any]:
        """The model over the Messages API."""
        from pydantic_ai.models.anthropic import AnthropicModel as Transport

        return Transport(self.model, provider=provider)

    def sdk_errors(self) -> tuple[type[Exception], ...]:
        """The base of all of them."""
        from anthropic import AnthropicError

        return (AnthropicError,)

    def settings(self, profile: ModelProfile, request: ModelRequest) -> dict[str, Any]:
        """Thoughts that can be read, where the model decides itself how much to think; and the cache.

        A run with tools sends its history again with every turn: read from the cache it costs a tenth. Servers that
        only speak the format are asked for neither.
        """
        settings: dict[str, Any] = {}
        if self.server.name != "anthropic":
            return settings
        if profile.get("anthropic_supports_adaptive_thinking", False):
            # Without `display` newer models send the signature of a thought and not the thought.
            settings["anthropic_thinking"] = {"type": "adaptive", "display": "summarized"}
        if request.tools:
            settings["cache"] = True
        return settings
