"""Extra settings: JSON that an agent adds to the body of every model request, and the names refused in it."""

import json
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any, Final, NamedTuple

MAX_EXTRA_BYTES: Final = 16 * 1024
MAX_EXTRA_DEPTH: Final = 8
"""Levels of nested lists and objects, the outer object included."""
MAX_WHOLE_NUMBER: Final = 2**63 - 1
"""Few servers read more than 64 bits, and Python refuses to write numbers of thousands of digits."""


class RefusedSetting(NamedTuple):
    """Names refused because the run decides them itself, by wire format, with the reason."""

    reason: str
    chat: str = ""
    """Chat completions, with the additions of Ollama, vLLM, llama.cpp, OpenRouter and LiteLLM."""
    responses: str = ""
    anthropic: str = ""
    google: str = ""

    def names(self) -> Iterator[str]:
        """The names of all formats: an agent may have models of several, and a launch may choose another."""
        for names in self[1:]:
            yield from names.split()


REFUSED: Final = (
    # Prices, windows and retries are those of the model in the request, and a key must only go to its own server.
    RefusedSetting("the agent or the launch chooses the model", chat="model models route fallbacks"),
    RefusedSetting(
        "the site's configuration sets the server and the key",
        chat="api_base base_url api_key api_version headers extra_headers extra_query extra_body",
    ),
    # Turns and steps are the record of the conversation; a copy at the provider could differ from it.
    RefusedSetting(
        "the run sends its own conversation",
        chat="messages prompt system",
        responses="input instructions previous_response_id conversation",
        anthropic="messages system container",
        google="contents system_instruction cached_content",
    ),
    RefusedSetting(
        "the run shortens a long conversation itself and records that in a step",
        chat="transforms",
        responses="truncation context_management",
        anthropic="context_management block_binding",
    ),
    RefusedSetting(
        "the model may call the agent's tools only, which people approve",
        chat="tools tool_choice functions function_call web_search_options plugins",
        responses="tools tool_choice max_tool_calls",
        anthropic="tools tool_choice mcp_servers",
        google="tools tool_config",
    ),
    # A run reads one streamed text reply with its usage at the end.
    RefusedSetting(
        "replies are always streamed, with their usage", chat="stream stream_options usage", responses="background"
    ),
    RefusedSetting(
        "a run reads one reply; others would be paid for and discarded", chat="n best_of", google="candidate_count"
    ),
    RefusedSetting("a run reads text", chat="modalities audio", google="response_modalities speech_config"),
    RefusedSetting(
        "nothing is stored at the provider, and the run sends its reasoning back",
        chat="store",
        responses="store include",
    ),
    # The rest has a setting of its own, mapped to each provider and counted against the limits.
    RefusedSetting(
        "set max_output_tokens instead",
        chat="max_tokens max_completion_tokens num_predict n_predict max_new_tokens",
        responses="max_output_tokens",
        anthropic="max_tokens",
        google="max_output_tokens",
    ),
    RefusedSetting("set temperature instead", chat="temperature"),
    RefusedSetting("set top_p instead", chat="top_p"),
    RefusedSetting(
        "set reasoning_effort instead", chat="reasoning_effort", anthropic="effort", google="thinking_level"
    ),
    RefusedSetting(
        "give the agent an output schema instead",
        chat="response_format format json_schema guided_json structured_outputs",
        anthropic="output_format",
        google="response_schema response_json_schema response_mime_type response_format",
    ),
)

_WRAPPERS: Final = {
    # Members of these objects count as top-level names: Gemini's and Ollama's settings, and parts of a setting.
    "generationconfig": None,
    "thinkingconfig": None,
    "options": None,
    "text": ("format",),
    "outputconfig": ("effort", "format"),
    "reasoning": ("effort",),
    "thinking": ("blockbinding",),
}
"""Objects that are searched as well: by name, the names refused inside; None for all refused names."""


def _plain(name: str) -> str:
    """The name as servers compare it: Gemini takes both `topP` and `top_p`, Ollama any case."""
    return name.replace("_", "").replace("-", "").lower()


_REASONS: Final = {_plain(name): refused.reason for refused in REFUSED for name in refused.names()}


def extra_fault(value: object) -> str | None:
    """Why the value cannot be added to requests, as the end of a sentence ("must …"); None if it can."""
    if not isinstance(value, Mapping):
        return 'must be a JSON object, such as {"top_k": 40}'
    if fault := _json_fault(value, 1, ""):
        return fault
    size = len(json.dumps(value, ensure_ascii=False).encode())
    if size > MAX_EXTRA_BYTES:
        return f"must be at most {MAX_EXTRA_BYTES // 1024} KiB of JSON, not {size / 1024:.1f} KiB"
    return _refusal(value, "")


def _json_fault(value: object, depth: int, where: str) -> str | None:
    match value:
        case None | bool():
            return None
        case int():
            is_right = -MAX_WHOLE_NUMBER <= value <= MAX_WHOLE_NUMBER
            return None if is_right else f"must contain no whole number of more than 64 bits{_at(where)}"
        case float():
            return None if isfinite(value) else f"must contain finite numbers only{_at(where)}"
        case str():
            is_right = "\0" not in value and value == value.encode(errors="replace").decode()
            return None if is_right else f"must contain no NUL character and no lone surrogate{_at(where)}"
    if depth > MAX_EXTRA_DEPTH:
        return f"must not be nested more than {MAX_EXTRA_DEPTH} levels deep"
    if isinstance(value, Mapping):
        if not all(isinstance(name, str) for name in value):
            return f"must have strings as names{_at(where)}"
        faults = (_json_fault(name, depth, where) or _json_fault(value[name], depth + 1, name) for name in value)
    elif isinstance(value, list | tuple):
        faults = (_json_fault(each, depth + 1, where) for each in value)
    else:
        return f"must be plain JSON, not {type(value).__name__}{_at(where)}"
    return next((fault for fault in faults if fault), None)


def _refusal(members: Mapping[str, Any], where: str, only: tuple[str, ...] | None = None) -> str | None:
    for name, value in members.items():
        plain = _plain(name)
        if plain in _REASONS and (only is None or plain in only):
            return f"must not have {where + name!r}: {_REASONS[plain]}"
        if only is None and plain in _WRAPPERS and isinstance(value, Mapping):
            fault = _refusal(value, f"{where}{name}.", _WRAPPERS[plain])
            if fault:
                return fault
    return None


def _at(name: str) -> str:
    return f" (in {name[:80]!r})" if name else ""
