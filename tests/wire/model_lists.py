"""Model lists of OpenAI, Anthropic and Google, and Ollama's details of one model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from tests.wire.http import Request


@dataclass(frozen=True, slots=True)
class Listed:
    """One model in a server's list. None: the server does not report the field."""

    name: str
    context_tokens: int | None = None
    max_output_tokens: int | None = None
    tools: bool | None = None
    vision: bool | None = None
    thinking: bool | None = None
    output_schema: bool | None = None
    retires_on: date | None = None
    """The last day on which the model answers."""
    effort: tuple[str, ...] = ()
    """The supported efforts, where the list has them (Anthropic's)."""


def listed_in(models: Sequence[Listed], request: Request) -> Any:
    """The JSON of the requested list; None if the path is not one of a list."""
    path = request.path.partition("?")[0].rstrip("/")
    if request.method == "GET" and path.endswith("/v1/models"):
        is_anthropic = "anthropic-version" in request.headers
        return _anthropic(models) if is_anthropic else _openai(models)
    if request.method == "GET" and path.endswith("/v1beta/models"):
        return {"models": [_google(each) for each in models]}
    if request.method == "GET" and path.endswith("/api/tags"):
        return {"models": [{"name": each.name, "model": each.name, "details": {}} for each in models]}
    if request.method == "POST" and path.endswith("/api/show"):
        return next((_ollama(each) for each in models if each.name == request.model), None)
    return _one(models, request, path)


def _one(models: Sequence[Listed], request: Request, path: str) -> Any:
    """One model by its name, where the list's path is followed by a name."""
    shown: dict[str, Callable[[Listed], Any]] = {"/v1beta/models/": _google, "/v1/models/": _openai_model}
    if "anthropic-version" in request.headers:
        shown["/v1/models/"] = _anthropic_model
    for prefix, show in shown.items():
        name = path.partition(prefix)[2]
        if request.method == "GET" and name:
            return next((show(each) for each in models if each.name == name), None)
    return None


def _openai(models: Sequence[Listed]) -> Any:
    """https://platform.openai.com/docs/api-reference/models/list"""
    return {"object": "list", "data": [_openai_model(each) for each in models]}


def _openai_model(model: Listed) -> dict[str, Any]:
    """`max_model_len` is vLLM's; OpenAI reports no size, and only OpenAI has `shutdown_date`."""
    more = {
        "max_model_len": model.context_tokens,
        "shutdown_date": model.retires_on and model.retires_on.isoformat(),
    }
    told = {name: value for name, value in more.items() if value is not None}
    return {"id": model.name, "object": "model", "created": 1_790_000_000, "owned_by": "wire", **told}


def _anthropic(models: Sequence[Listed]) -> Any:
    """https://platform.claude.com/docs/en/api/models/list"""
    data = [_anthropic_model(each) for each in models]
    ends = {"first_id": data[0]["id"], "last_id": data[-1]["id"]} if data else {"first_id": None, "last_id": None}
    return {"data": data, "has_more": False, **ends}


def _anthropic_model(model: Listed) -> dict[str, Any]:
    return {
        "type": "model",
        "id": model.name,
        "display_name": model.name.title(),
        "created_at": "2026-01-01T00:00:00Z",
        "lifecycle": "deprecated" if model.retires_on else "active",
        "deprecated_at": "2026-06-01T00:00:00Z" if model.retires_on else None,
        "retires_at": model.retires_on and f"{model.retires_on.isoformat()}T00:00:00Z",
        "max_input_tokens": model.context_tokens,
        "max_tokens": model.max_output_tokens,
        "capabilities": {
            "image_input": {"supported": bool(model.vision)},
            "structured_outputs": {"supported": bool(model.output_schema)},
            "thinking": {"supported": bool(model.thinking)},
            "effort": {
                "supported": bool(model.effort),
                **{name: {"supported": name in model.effort} for name in ("low", "medium", "high", "xhigh", "max")},
            },
        },
    }


def _google(model: Listed) -> dict[str, Any]:
    """https://ai.google.dev/api/models"""
    more = {
        "inputTokenLimit": model.context_tokens,
        "outputTokenLimit": model.max_output_tokens,
        "thinking": model.thinking,
    }
    return {
        "name": f"models/{model.name}",
        "version": "001",
        "displayName": model.name.title(),
        "supportedGenerationMethods": ["generateContent", "countTokens"],
        **{name: value for name, value in more.items() if value is not None},
    }


def _ollama(model: Listed) -> dict[str, Any]:
    """https://docs.ollama.com/api-reference/show-model-details"""
    can = {"completion": True, "tools": model.tools, "vision": model.vision, "thinking": model.thinking}
    info: dict[str, Any] = {"general.architecture": "wire"}
    if model.context_tokens:
        info["wire.context_length"] = model.context_tokens
    return {
        "capabilities": [name for name, is_so in can.items() if is_so],
        "details": {"family": "wire"},
        "model_info": info,
    }
