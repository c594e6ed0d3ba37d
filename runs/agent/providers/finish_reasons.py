"""The meanings of the providers' finish reasons."""

from collections.abc import Mapping
from typing import Final, Literal

Meaning = Literal["whole", "cut", "paused", "blocked", "failed", "malformed", "unknown"]
"""`whole`: the reply is complete. `cut`: a length limit was reached. `paused`: the provider waits to be asked to
continue. `blocked`: a filter or the model itself refused. `failed`: the provider could not go on. `malformed`: the
model wrote what the provider could not parse. `unknown`: a reason without a known meaning.
"""

_MEANINGS: Final[Mapping[str, Meaning]] = {
    # OpenAI's chat completions and Responses, and servers like them
    "stop": "whole",
    "tool_calls": "whole",
    "tool_call": "whole",
    "function_call": "whole",
    "completed": "whole",
    "complete": "whole",
    "eos": "whole",
    "eos_token": "whole",
    "end": "whole",
    "done": "whole",
    "length": "cut",
    "max_output_tokens": "cut",
    "max_length": "cut",
    "token_limit": "cut",
    "context_length": "cut",
    "incomplete": "cut",
    "content_filter": "blocked",
    "refusal": "blocked",
    "sensitive": "blocked",
    "guardrail": "blocked",
    "error": "failed",
    "failed": "failed",
    "cancelled": "failed",
    "canceled": "failed",
    "abort": "failed",
    "aborted": "failed",
    "timeout": "failed",
    "network_error": "failed",
    "insufficient_system_resource": "failed",
    "insufficient_system_resources": "failed",
    "repetition": "failed",
    # Anthropic's Messages
    "end_turn": "whole",
    "tool_use": "whole",
    "stop_sequence": "whole",
    "max_tokens": "cut",
    "model_context_window_exceeded": "cut",
    "pause_turn": "paused",
    # Google's generateContent
    "finish_reason_unspecified": "whole",
    "safety": "blocked",
    "recitation": "blocked",
    "language": "blocked",
    "blocklist": "blocked",
    "prohibited_content": "blocked",
    "spii": "blocked",
    "image_safety": "blocked",
    "image_prohibited_content": "blocked",
    "image_recitation": "blocked",
    "block_reason_unspecified": "blocked",
    "malformed_function_call": "malformed",
    "malformed_response": "malformed",
    "unexpected_tool_call": "malformed",
    "too_many_tool_calls": "malformed",
    "missing_thought_signature": "malformed",
    "no_image": "malformed",
    "image_other": "failed",
    "other": "failed",
}
"""From the providers' references as of November 2026: OpenAI (chat, Responses), Anthropic (stop reasons), Google
(FinishReason, BlockReason), DeepSeek, Zhipu, Mistral, OpenRouter, vLLM, SGLang and TGI."""


def meaning_of(reason: str) -> Meaning:
    """The meaning of a finish reason; `whole` if it is empty."""
    return _MEANINGS.get(reason.lower(), "unknown") if reason else "whole"
