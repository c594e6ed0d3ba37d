"""Which models there are, and who serves them."""

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from runs.agent.messages import ModelProvider

EndpointKind = Literal["openai", "anthropic"]

OPENAI_BASE_URL = "https://api.openai.com/v1"
RESERVED = ("offline", "openai", "anthropic", "google")
WHAT_WORKS = "offline, openai:<name>, or <server>/<model> for a server named in AGENTSITE_ENDPOINTS"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A model server of one's own. Its models are called `<name>/<model>`."""

    name: str
    kind: EndpointKind
    base_url: str
    models: tuple[str, ...]
    key_env: str | None = None
    """The environment variable with its key; None if it wants none."""


def parse_endpoints(text: str) -> list[Endpoint]:
    """The endpoints in the JSON of `AGENTSITE_ENDPOINTS`; none in an empty text.

    Raises `ValueError` saying what is wrong, where, and with which value.
    """
    if not text.strip():
        return []
    try:
        entries = json.loads(text)
    except ValueError as error:
        raise ValueError(f"AGENTSITE_ENDPOINTS is no JSON: {error}") from error
    if not isinstance(entries, list):
        raise ValueError(f"AGENTSITE_ENDPOINTS must be a JSON list, not {entries!r}.")  # noqa: TRY004 - a wrong setting
    endpoints = [_endpoint(entry, f"AGENTSITE_ENDPOINTS[{index}]") for index, entry in enumerate(entries)]
    names = [endpoint.name for endpoint in endpoints]
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"AGENTSITE_ENDPOINTS names {doubled[0]!r} more than once.")
    return endpoints


def _endpoint(entry: Any, where: str) -> Endpoint:
    if not isinstance(entry, dict):
        raise ValueError(f"{where} must be an object, not {entry!r}.")  # noqa: TRY004 - a wrong setting
    if unknown := sorted(entry.keys() - {"name", "kind", "base_url", "models", "key_env"}):
        raise ValueError(f"{where} has an unknown key {unknown[0]!r}.")
    kind = _text(entry, "kind", where, default="openai")
    if kind not in get_args(EndpointKind):
        raise ValueError(f"{where}.kind must be one of {', '.join(get_args(EndpointKind))}, not {kind!r}.")
    name = _text(entry, "name", where)
    if not re.fullmatch(r"[A-Za-z0-9][\w-]*", name, re.ASCII) or name in RESERVED:
        raise ValueError(f"{where}.name must be letters, digits, '-' and '_', and none of {RESERVED}: {name!r}.")
    base_url = _text(entry, "base_url", where)
    if urlsplit(base_url).scheme not in ("http", "https") or not urlsplit(base_url).hostname:
        raise ValueError(f"{where}.base_url must be an http or https address, not {base_url!r}.")
    models = entry.get("models")
    if not isinstance(models, list) or not models or not all(isinstance(each, str) and each for each in models):
        raise ValueError(f"{where}.models must be a list of at least one model's name, not {models!r}.")
    key_env = _text(entry, "key_env", where, default="") or None
    return Endpoint(name, "anthropic" if kind == "anthropic" else "openai", base_url, tuple(models), key_env)


def _text(entry: Mapping[str, Any], key: str, where: str, *, default: str | None = None) -> str:
    value = entry.get(key, default)
    if not isinstance(value, str) or (not value and default is None):
        raise ValueError(f"{where}.{key} must be a text, not {value!r}.")
    return value


def provider_for(
    model_name: str, *, endpoints: Sequence[Endpoint] | None = None, environ: Mapping[str, str] | None = None
) -> ModelProvider:
    """Who serves the model of that name. Without `endpoints` those of `AGENTSITE_ENDPOINTS`.

    Raises `ValueError` for a name nobody serves, and names the variable of a key that is missing. Nothing is loaded or
    connected before the first reply is asked for.
    """
    environ = os.environ if environ is None else environ
    if model_name == "offline":
        return _offline()
    prefix, colon, name = model_name.partition(":")
    if colon and name and "/" not in prefix:
        return _hosted(prefix, name, environ)
    served = parse_endpoints(environ.get("AGENTSITE_ENDPOINTS", "")) if endpoints is None else endpoints
    server, slash, name = model_name.partition("/")
    endpoint = next((each for each in served if slash and each.name == server), None)
    if endpoint is None:
        raise ValueError(f"Unknown model {model_name!r}: {WHAT_WORKS}.")
    if name not in endpoint.models:
        models = ", ".join(f"{server}/{each}" for each in endpoint.models)
        raise ValueError(f"Unknown model {model_name!r}: the server {server!r} has {models}.")
    return _served(endpoint, name, environ)


def available_models(
    *, endpoints: Sequence[Endpoint] | None = None, environ: Mapping[str, str] | None = None
) -> list[str]:
    """The names of the models that are sure to be there: the offline planner, and own servers' whose key is set.

    Hosted ones (`openai:<name>`) are not listed: which there are is known to their provider only.
    """
    environ = os.environ if environ is None else environ
    served = parse_endpoints(environ.get("AGENTSITE_ENDPOINTS", "")) if endpoints is None else endpoints
    usable = [each for each in served if each.kind == "openai" and (not each.key_env or environ.get(each.key_env))]
    return ["offline", *(f"{endpoint.name}/{model}" for endpoint in usable for model in endpoint.models)]


def _offline() -> ModelProvider:
    from runs.agent.providers.offline import OfflinePlanner  # its grammar is loaded only if it is used

    return OfflinePlanner()


def _hosted(prefix: str, name: str, environ: Mapping[str, str]) -> ModelProvider:
    from runs.agent.providers.openai import OpenAIModel, Server

    if prefix != "openai":
        raise ValueError(f"Models of {prefix!r} cannot be used yet ({prefix}:{name}). What works: {WHAT_WORKS}.")
    key = _key(environ, "OPENAI_API_KEY", f"openai:{name}")
    return OpenAIModel(name, Server("openai", environ.get("OPENAI_BASE_URL") or OPENAI_BASE_URL, key))


def _served(endpoint: Endpoint, name: str, environ: Mapping[str, str]) -> ModelProvider:
    from runs.agent.providers.openai import OpenAIModel, Server

    if endpoint.kind != "openai":
        raise ValueError(f"Servers of kind {endpoint.kind!r} cannot be used yet ({endpoint.name}). Kind openai can.")
    key = _key(environ, endpoint.key_env, f"{endpoint.name}/{name}") if endpoint.key_env else None
    return OpenAIModel(name, Server(endpoint.name, endpoint.base_url, key))


def _key(environ: Mapping[str, str], variable: str, model_name: str) -> str:
    if key := environ.get(variable, "").strip():
        return key
    raise ValueError(f"The model {model_name!r} needs a key: set the environment variable {variable}.")
