"""Parsing of the models in servers' lists, in all known forms. Invalid values are ignored; nothing raises."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final, TypeGuard

from runs.agent.json_data.json_types import JsonMapping, JsonObject
from runs.agent.providers.capabilities import UNKNOWN, Capabilities
from runs.agent.providers.model_catalog.endpoints import MAX_TOKENS
from runs.agent.providers.model_catalog.model_names import wrong_in

MAX_MODELS: Final = 2_000
"""Length limit of a list. The longest known one, OpenRouter's, has about 500 models."""

_CONTEXT: Final = (
    "max_model_len",  # vLLM, SGLang
    "context_length",  # OpenRouter, Together
    "context_window",  # Groq
    "max_context_length",  # Mistral, LM Studio
    "max_input_tokens",  # Anthropic, LiteLLM
    "inputTokenLimit",  # Google
)
_OUTPUT: Final = ("max_completion_tokens", "max_output_tokens", "outputTokenLimit")
_ENDS: Final = ("shutdown_date", "retires_at", "expiration_date", "retirement_date", "deprecation_date", "deprecation")
"""OpenAI, Anthropic, OpenRouter; in Mistral and Azure `deprecation` is the day of the retirement."""
_NO_CHAT_TYPES: Final = frozenset({"embedding", "embeddings", "rerank", "image", "audio", "moderation", "transcribe"})
_MAX_TEXT, _MAX_PARAMETERS = 64, 10_000
_NUM_CTX: Final = re.compile(r"^num_ctx +(\d{1,11})$", re.MULTILINE)
"""The configured context window in Ollama's parameters, which is smaller than the model's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedModel:
    """One model as its server lists it."""

    name: str
    capabilities: Capabilities = UNKNOWN
    retires_on: date | None = None
    """The retirement date stated by the server; None without one."""
    is_for_agents: bool = True
    """False for models that do not write text: embeddings, speech, images."""


def models_in(body: Any) -> dict[str, ListedModel]:
    """The models in the body of a list by name, in its order. Invalid entries are left out."""
    listed = (_listed(entry) for entry in _entries(body))
    return {each.name: each for each in listed if each is not None}


def _entries(body: Any) -> Iterator[JsonMapping]:
    # `data` is OpenAI's form, `models` that of Google, Ollama and LM Studio, a list Together's. llama.cpp sends both.
    candidates = [body] if isinstance(body, list) else [body.get("data"), body.get("models")] if _is_map(body) else []
    entries = next((each for each in candidates if isinstance(each, list)), [])
    return (entry for entry in entries[:MAX_MODELS] if _is_map(entry))


def _listed(entry: JsonMapping) -> ListedModel | None:
    found = next((entry[key] for key in ("id", "model", "key", "name") if isinstance(entry.get(key), str)), "")
    name = found.removeprefix("models/")  # Google's prefix
    if wrong_in(name):
        return None
    return ListedModel(
        name=name,
        capabilities=Capabilities(
            tools=_tools(entry),
            output_schema=_output_schema(entry),
            vision=_vision(entry),
            reasoning=_reasoning(entry),
            context_tokens=_context(entry),
            max_output_tokens=_output(entry),
        ),
        retires_on=_retires_on(entry),
        is_for_agents=_is_for_agents(entry),
    )


def shown_by_ollama(name: str, body: Any) -> ListedModel:
    """The model in a response of Ollama's `/api/show`. Its list of capabilities is complete: a missing one means
    False."""
    shown = body if _is_map(body) else {}
    can = _texts(shown.get("capabilities"))
    about = _map(shown, "model_info")
    window = tokens_from(about.get(f"{about.get('general.architecture')}.context_length"))
    parameters = shown.get("parameters")
    found = _NUM_CTX.search(parameters[:_MAX_PARAMETERS]) if isinstance(parameters, str) else None
    return ListedModel(
        name=name,
        capabilities=Capabilities(
            tools=None if can is None else "tools" in can,
            vision=None if can is None else "vision" in can,
            reasoning=None if can is None else "thinking" in can,
            context_tokens=(tokens_from(found[1]) if found else None) or window,
        ),
        is_for_agents=can is None or "completion" in can,
    )


def tokens_from(value: Any) -> int | None:
    """A number of tokens from a JSON number or string; None if it is not a valid one."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 12:
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MAX_TOKENS else None


def _context(entry: JsonMapping) -> int | None:
    if loaded := _loaded_context(entry):
        return loaded
    said = [tokens_from(entry.get(key)) for key in _CONTEXT]
    meta, provider = _map(entry, "meta"), _map(entry, "top_provider")
    if first := next(filter(None, said), None):
        # OpenRouter's `top_provider` may have a smaller window than the largest one of the model.
        return min(first, tokens_from(provider.get("context_length")) or first)
    # llama.cpp: the configured window, else the one the model was trained with, its maximum.
    return tokens_from(meta.get("n_ctx")) or tokens_from(meta.get("n_ctx_train"))


def _loaded_context(entry: JsonMapping) -> int | None:
    """The window of the model as loaded in LM Studio, which is smaller than its maximum."""
    if told := tokens_from(entry.get("loaded_context_length")):
        return told
    instances = entry.get("loaded_instances")
    configs = [_map(each, "config") for each in instances[:8] if _is_map(each)] if isinstance(instances, list) else []
    loaded = [size for config in configs if (size := tokens_from(config.get("context_length")))]
    return min(loaded, default=None)


def _output(entry: JsonMapping) -> int | None:
    said = [tokens_from(entry.get(key)) for key in _OUTPUT]
    said.append(tokens_from(_map(entry, "top_provider").get("max_completion_tokens")))
    if "max_input_tokens" in entry:
        said.append(tokens_from(entry.get("max_tokens")))  # Anthropic; elsewhere it may be the window
    return next(filter(None, said), None)


def _tools(entry: JsonMapping) -> bool | None:
    parameters = _texts(entry.get("supported_parameters"))
    if parameters is not None:
        return "tools" in parameters
    told = _capability(entry, "function_calling", "tools", "tool_calling", "tool_use")
    if told is not None:
        return told
    # False for `trained_for_tool_use` becomes None: LM Studio offers tools to untrained models too.
    return (
        _is_among(entry, "tools", "tool_use", "function_calling") or _capability(entry, "trained_for_tool_use") or None
    )


def _output_schema(entry: JsonMapping) -> bool | None:
    parameters = _texts(entry.get("supported_parameters"))
    if parameters is not None:
        return bool(parameters & {"structured_outputs", "response_format"})
    return _capability(entry, "structured_outputs", "structured_output")


def _vision(entry: JsonMapping) -> bool | None:
    for where in (entry, _map(entry, "architecture")):
        if (modalities := _texts(where.get("input_modalities"))) is not None:
            return "image" in modalities
    told = _capability(entry, "vision", "image_input")
    return (
        told if told is not None else _is_among(entry, "vision", "multimodal") or (entry.get("type") == "vlm" or None)
    )


def _reasoning(entry: JsonMapping) -> bool | None:
    parameters = _texts(entry.get("supported_parameters"))
    if parameters is not None:
        return bool(parameters & {"reasoning", "reasoning_effort", "include_reasoning"})
    if isinstance(entry.get("thinking"), bool):
        return bool(entry["thinking"])
    told = _capability(entry, "thinking", "reasoning")
    return told if told is not None else _is_among(entry, "thinking", "reasoning")


def _is_for_agents(entry: JsonMapping) -> bool:
    methods = _texts(entry.get("supportedGenerationMethods"))
    written = [_texts(where.get("output_modalities")) for where in (entry, _map(entry, "architecture"))]
    is_silent = any(modalities is not None and "text" not in modalities for modalities in written)
    is_other = isinstance(entry.get("type"), str) and entry["type"] in _NO_CHAT_TYPES
    cannot_chat = _capability(entry, "completion_chat") is False
    return not (is_silent or is_other or cannot_chat or (methods is not None and "generateContent" not in methods))


def _capability(entry: JsonMapping, *names: str) -> bool | None:
    """A value of an object of capabilities: `{"vision": true}`, or `{"thinking": {"supported": true}}`."""
    capabilities = _map(entry, "capabilities")
    for name in names:
        value = capabilities.get(name)
        value = value.get("supported") if _is_map(value) else value
        if isinstance(value, bool):
            return value
    return None


def _is_among(entry: JsonMapping, *names: str) -> bool | None:
    """True if a list of capabilities has one of the names; else None, because such a list may be incomplete."""
    capabilities = _texts(entry.get("capabilities"))
    return True if capabilities is not None and capabilities.intersection(names) else None


def _retires_on(entry: JsonMapping) -> date | None:
    days = (_day(entry.get(key)) for key in _ENDS)
    if day := next(filter(None, days), None):
        return day
    # Anthropic also lists retired models.
    return (_day(entry.get("deprecated_at")) or date.min) if entry.get("lifecycle") == "retired" else None


def _day(value: Any) -> date | None:
    if _is_map(value):
        value = value.get("inference")  # Azure
    if isinstance(value, str) and (found := re.match(r"\d{4}-\d{2}-\d{2}", value[:_MAX_TEXT])):
        value = found[0]
    try:
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return datetime.fromtimestamp(value, UTC).date()
        return date.fromisoformat(value) if isinstance(value, str) else None
    except (ValueError, OverflowError, OSError):
        return None


def _texts(value: Any) -> frozenset[str] | None:
    """The strings in a list; None if it is not a list."""
    return frozenset(each for each in value[:100] if isinstance(each, str)) if isinstance(value, list) else None


def _map(entry: JsonMapping, key: str) -> JsonMapping:
    value = entry.get(key)
    return value if _is_map(value) else {}


def _is_map(value: Any) -> TypeGuard[JsonObject]:
    return isinstance(value, dict)
