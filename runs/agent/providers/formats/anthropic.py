"""The Messages format of Anthropic, for Claude and compatible servers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from runs.agent.json_data.json_types import JsonObject
from runs.agent.messages import ModelRequest
from runs.agent.model_settings import ReasoningEffort
from runs.agent.providers.thinking_tags import TRANSPORT_TAGS
from runs.agent.providers.wire_format import ALWAYS_THINKS, WireFormat

if TYPE_CHECKING:
    from collections.abc import Sequence

    import httpx2
    from pydantic_ai.models import Model
    from pydantic_ai.profiles import ModelProfile
    from pydantic_ai.providers import Provider

    from runs.agent.providers.event_streams.exchange import StreamFormat

THINKING_BINDING_BETA: Final = "thinking-binding-controls-2026-08-01"
"""The beta header that allows `block_binding`, which decides about thoughts after a changed conversation."""


class AnthropicFormat(WireFormat):
    """The wire format of the Messages API."""

    heavy = ("pydantic_ai.models.anthropic", "pydantic_ai.providers.anthropic")
    call_id_pattern = re.compile(r"[a-zA-Z0-9_-]+")
    can_do_without = frozenset({"no_parallel_tool_calls", "drop_block"})

    @property
    def signs_thoughts(self) -> bool:
        """True: Anthropic signs every thought."""
        return True

    def connect(self, http: httpx2.AsyncClient) -> Provider[Any]:
        """A client of this server and this key only."""
        from anthropic import AsyncAnthropic
        from pydantic_ai.providers.anthropic import AnthropicProvider

        # Any key keeps the SDK from searching the environment and files for credentials. It sends the key as a bearer
        # # token; older compatible servers expect it in X-Api-Key.
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
        """The transport's model over the Messages API."""
        from pydantic_ai.models.anthropic import AnthropicModel as Transport

        return Transport(self.model, provider=provider, profile=_with_thoughts_apart)

    def stream_format(self, tool_names: Sequence[str]) -> StreamFormat:  # noqa: ARG002
        """A normaliser for streams of the Messages API."""
        from runs.agent.providers.event_streams.anthropic_messages import MessageStream

        return MessageStream()

    def sdk_errors(self) -> tuple[type[Exception], ...]:
        """The base class of the SDK's errors."""
        from anthropic import AnthropicError

        return (AnthropicError,)

    def settings(self, profile: ModelProfile, request: ModelRequest) -> JsonObject:
        """Readable thoughts for models with adaptive thinking, and prompt caching for runs with tools.

        A run with tools sends its history again with every turn: read from the cache it costs a tenth. Compatible
        servers get neither setting.
        """
        settings: JsonObject = {}
        effort = request.settings.reasoning_effort
        if effort is not None:
            settings["thinking"] = False if effort == "none" else effort
        if self.server.name != "anthropic":
            return settings
        if profile.get("anthropic_supports_adaptive_thinking", False) and effort != "none":
            # Without `display` newer models send only the signature of a thought.
            thinking: JsonObject = {"type": "adaptive", "display": "summarized"}
            if self._drops_blocks(profile, request):
                thinking["block_binding"] = {"prefix_mismatch_behavior": "drop_block"}
                settings["extra_headers"] = {"anthropic-beta": THINKING_BINDING_BETA}
            settings["anthropic_thinking"] = thinking
            if effort is not None and settings.pop("thinking", None) is not None:
                settings["anthropic_effort"] = _effort(effort, profile)
        if request.tools:
            settings["cache"] = True
        return settings

    def setting_fault(self, profile: ModelProfile, request: ModelRequest) -> str:
        """Claude refuses temperature and top_p while it thinks, and the newest models always do."""
        asked = request.settings
        if asked.reasoning_effort == "none" and profile.get("thinking_always_enabled", False):
            return ALWAYS_THINKS
        sampling = [name for name in ("temperature", "top_p") if getattr(asked, name) is not None]
        if self.server.name != "anthropic" or not sampling:
            return ""
        thinks = profile.get("anthropic_supports_adaptive_thinking", False) and asked.reasoning_effort != "none"
        if profile.get("anthropic_disallows_sampling_settings", False) or thinks:
            return f"it takes no {sampling[0]}. Leave {sampling[0]} empty."
        return ""

    def _drops_blocks(self, profile: ModelProfile, request: ModelRequest) -> bool:
        """True if Anthropic is to drop thoughts after a changed conversation instead of refusing the request."""
        is_bound = bool(profile.get("anthropic_binds_thinking_blocks", False))
        return is_bound and (request.past_is_changed or "drop_block" in self.adaptations)


def _effort(effort: ReasoningEffort, profile: ModelProfile) -> str:
    """The closest effort level of Anthropic."""
    from pydantic_ai.profiles.anthropic import resolve_anthropic_effort

    supports_xhigh = bool(profile.get("anthropic_supports_xhigh_effort", False))
    supports_max = bool(profile.get("anthropic_supports_max_effort", False))
    level: Any = effort  # never "none", which turns thinking off
    return resolve_anthropic_effort(level, supports_xhigh=supports_xhigh, supports_max=supports_max)


def _with_thoughts_apart(known: ModelProfile) -> ModelProfile:
    # `thinking_tags.py` separates thoughts in the text, also if a tag is split over several pieces.
    return {**known, "thinking_tags": TRANSPORT_TAGS}
