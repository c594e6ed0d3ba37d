"""Which models there are, and who serves them."""

import json
import logging
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from runs.agent.messages import ModelProvider
from runs.agent.money import Price, newest
from runs.agent.providers import discovery
from runs.agent.providers.anthropic import AnthropicModel
from runs.agent.providers.google import GoogleModel
from runs.agent.providers.openai import OpenAIModel
from runs.agent.providers.served import ServedModel, Server

EndpointKind = Literal["openai", "anthropic"]

WHAT_WORKS = (
    "offline, openai:<name>, anthropic:<name>, google:<name>, or <server>/<model> for a server named in "
    "AGENTSITE_ENDPOINTS"
)

logger = logging.getLogger(__name__)

NOT_RUNNING = f"The model {discovery.LOCAL_MODEL!r} is not running: start it with `make local-model`."


@dataclass(frozen=True, slots=True)
class Hosted:
    """A company whose models are called `<name>:<model>`."""

    name: str
    base_url: str
    key_envs: tuple[str, ...]
    """The environment variables that may hold its key; the first that is set counts."""
    base_url_env: str
    """The variable that sends its requests elsewhere, to a proxy that speaks the same."""

    def key(self, environ: Mapping[str, str]) -> str | None:
        """Its key, if one is set."""
        return next((key for name in self.key_envs if (key := environ.get(name, "").strip())), None)


HOSTED = {
    hosted.name: hosted
    for hosted in (
        Hosted("openai", "https://api.openai.com/v1", ("OPENAI_API_KEY",), "OPENAI_BASE_URL"),
        Hosted("anthropic", "https://api.anthropic.com", ("ANTHROPIC_API_KEY",), "ANTHROPIC_BASE_URL"),
        Hosted(
            "google",
            "https://generativelanguage.googleapis.com",
            ("GOOGLE_API_KEY", "GEMINI_API_KEY"),
            "GOOGLE_GEMINI_BASE_URL",
        ),
    )
}
RESERVED = ("offline", *HOSTED)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A model server of one's own. Its models are called `<name>/<model>`."""

    name: str
    kind: EndpointKind
    base_url: str
    models: tuple[str, ...]
    key_env: str | None = None
    """The environment variable with its key; None if it wants none."""
    prices: tuple[tuple[str, Price], ...] = ()
    """What its models cost; of others it is unknown."""


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


def own_endpoints(environ: Mapping[str, str] | None = None) -> list[Endpoint]:
    """The servers named in `AGENTSITE_ENDPOINTS`, and the one of this machine that announces itself now.

    One of the same name in `AGENTSITE_ENDPOINTS` counts instead of it.
    """
    environ = os.environ if environ is None else environ
    named = parse_endpoints(environ.get("AGENTSITE_ENDPOINTS", ""))
    taken = {endpoint.name for endpoint in named}
    try:
        found = parse_endpoints(discovery.announced())
    except ValueError as error:
        logger.warning("The local model, of another version, is not used: %s", error)
        return named
    return [*named, *(each for each in found if each.name not in taken)]


def _endpoint(entry: Any, where: str) -> Endpoint:
    if not isinstance(entry, dict):
        raise ValueError(f"{where} must be an object, not {entry!r}.")  # noqa: TRY004 - a wrong setting
    if unknown := sorted(
        entry.keys()
        - {"name", "kind", "base_url", "models", "key_env", "prices", "context_tokens", "max_output_tokens", "tools"}
    ):
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
    prices = _prices(entry.get("prices", {}), models, f"{where}.prices")
    return Endpoint(name, "anthropic" if kind == "anthropic" else "openai", base_url, tuple(models), key_env, prices)


def _prices(entry: Any, models: Sequence[str], where: str) -> tuple[tuple[str, Price], ...]:
    if not isinstance(entry, dict) or entry.keys() - set(models):
        raise ValueError(f"{where} must be an object with names of its models, not {entry!r}.")
    return tuple((model, _price(entry[model], f"{where}.{model}")) for model in entry)


def _price(entry: Any, where: str) -> Price:
    try:
        return Price(**{name: _amount(entry[name]) for name in entry})
    except (TypeError, ValueError, ArithmeticError, LookupError) as error:
        told = '{"input": 0.15, "output": 0.6}, perhaps with "cache_read", in USD for a million tokens'
        raise ValueError(f"{where} must be such as {told}, not {entry!r}.") from error


def _amount(value: Any) -> Decimal:
    amount = Decimal(str(value))
    if not (amount.is_finite() and amount >= 0):
        raise ValueError(value)
    return amount


def _text(entry: Mapping[str, Any], key: str, where: str, *, default: str | None = None) -> str:
    value = entry.get(key, default)
    if not isinstance(value, str) or (not value and default is None):
        raise ValueError(f"{where}.{key} must be a text, not {value!r}.")
    return value


def provider_for(
    model_name: str, *, endpoints: Sequence[Endpoint] | None = None, environ: Mapping[str, str] | None = None
) -> ModelProvider:
    """Who serves the model of that name. Without `endpoints` those of `own_endpoints`.

    Raises `ValueError` for a name nobody serves, and names the variable of a key that is missing. Nothing is loaded or
    connected before the first reply is asked for.
    """
    environ = os.environ if environ is None else environ
    if model_name == "offline":
        return _offline()
    prefix, colon, name = model_name.partition(":")
    if colon and name and "/" not in prefix:
        return _hosted(prefix, name, environ)
    served = own_endpoints(environ) if endpoints is None else endpoints
    server, slash, name = model_name.partition("/")
    endpoint = next((each for each in served if slash and each.name == server), None)
    if endpoint is None:
        is_local = model_name == discovery.LOCAL_MODEL
        raise ValueError(NOT_RUNNING if is_local else f"Unknown model {model_name!r}: {WHAT_WORKS}.")
    if name not in endpoint.models:
        models = ", ".join(f"{server}/{each}" for each in endpoint.models)
        raise ValueError(f"Unknown model {model_name!r}: the server {server!r} has {models}.")
    return _served(endpoint, name, environ)


def available_models(
    *, endpoints: Sequence[Endpoint] | None = None, environ: Mapping[str, str] | None = None
) -> list[str]:
    """The names of models that can be used here: the offline planner, own servers' models, and some of each company.

    Own servers and companies are left out while their key is missing. A company has more models than are listed.
    """
    environ = os.environ if environ is None else environ
    served = own_endpoints(environ) if endpoints is None else endpoints
    usable = [each for each in served if not each.key_env or environ.get(each.key_env, "").strip()]
    own = [f"{endpoint.name}/{model}" for endpoint in usable for model in endpoint.models]
    hosted = [f"{each.name}:{model}" for each in HOSTED.values() if each.key(environ) for model in newest(each.name)]
    return ["offline", *own, *hosted]


def prepare(*, environ: Mapping[str, str] | None = None) -> None:
    """Load what the first reply of a model that can be used here would have to load: seconds, and 120 MB.

    Nothing for the offline planner alone, and nothing of a format no key or server is there for.
    """
    for name in available_models(environ=environ):
        provider = provider_for(name, environ=environ)
        if isinstance(provider, ServedModel):
            provider.prepare()


def _offline() -> ModelProvider:
    from runs.agent.providers.offline import OfflinePlanner  # its grammar is loaded only if it is used

    return OfflinePlanner()


def _hosted(prefix: str, name: str, environ: Mapping[str, str]) -> ModelProvider:
    hosted = HOSTED.get(prefix)
    if hosted is None:
        raise ValueError(f"Unknown model {f'{prefix}:{name}'!r}: {WHAT_WORKS}.")
    key = hosted.key(environ)
    if key is None:
        raise _no_key(f"{prefix}:{name}", " or ".join(hosted.key_envs))
    base_url = environ.get(hosted.base_url_env, "").strip() or hosted.base_url
    return _format(prefix)(name, Server(prefix, base_url, key))


def _served(endpoint: Endpoint, name: str, environ: Mapping[str, str]) -> ModelProvider:
    key = environ.get(endpoint.key_env, "").strip() if endpoint.key_env else None
    if endpoint.key_env and not key:
        raise _no_key(f"{endpoint.name}/{name}", endpoint.key_env)
    return _format(endpoint.kind)(
        name, Server(endpoint.name, endpoint.base_url, key), price=dict(endpoint.prices).get(name)
    )


def _format(kind: str) -> type[ServedModel]:
    match kind:
        case "anthropic":
            return AnthropicModel
        case "google":
            return GoogleModel
        case _:
            return OpenAIModel


def _no_key(model_name: str, variable: str) -> ValueError:
    return ValueError(f"The model {model_name!r} needs a key: set the environment variable {variable}.")
