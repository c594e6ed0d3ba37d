"""Parsing of `AGENTSITE_ENDPOINTS`, the model servers of this site."""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any, Final, Literal, get_args
from urllib.parse import urlsplit

from runs.agent.budget.pricing import Price
from runs.agent.json_data.json_types import JsonMapping
from runs.agent.providers.capabilities import UNKNOWN, Capabilities
from runs.agent.providers.model_catalog.hosted_providers import RESERVED
from runs.agent.providers.model_catalog.model_names import wrong_in

EndpointKind = Literal["openai", "responses", "anthropic"]
"""The API of the server: chat completions, Open Responses, or Messages."""

MIN_CONTEXT_TOKENS: Final = 1_000
MAX_TOKENS: Final = 10**9
MIN_TIME_S, MAX_TIME_S = 0.1, 86_400


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A model server of this site. Its models are named `<name>/<model>`."""

    name: str
    kind: EndpointKind
    base_url: str
    models: tuple[str, ...]
    key_env: str | None = None
    """The environment variable with its key; None if it needs none."""
    prices: tuple[tuple[str, Price], ...] = ()
    """The prices by model; the price of other models is unknown."""
    capabilities: Capabilities = UNKNOWN
    """The declared capabilities of all its models."""
    model_capabilities: tuple[tuple[str, Capabilities], ...] = ()
    """The declared capabilities of single models."""

    def capabilities_of(self, model: str) -> Capabilities:
        """The declared capabilities: those of the model, completed by those of its server."""
        return dict(self.model_capabilities).get(model, UNKNOWN).completed_by(self.capabilities)

    def key(self, environ: Mapping[str, str]) -> str | None:
        """The key; None if it needs none, or if the variable is not set."""
        return (environ.get(self.key_env, "").strip() or None) if self.key_env else None

    def is_usable(self, environ: Mapping[str, str]) -> bool:
        """True unless its key is missing."""
        return not self.key_env or self.key(environ) is not None


def parse_endpoints(text: str) -> list[Endpoint]:
    """The endpoints in the JSON of `AGENTSITE_ENDPOINTS`; an empty list for an empty text.

    Raises `ValueError` with the fault, its place, and the value.
    """
    if not text.strip():
        return []
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"AGENTSITE_ENDPOINTS is not JSON: {error}") from error
    if not isinstance(entries, list):
        raise ValueError(f"AGENTSITE_ENDPOINTS must be a JSON list, not {entries!r}.")  # noqa: TRY004 - a wrong setting
    endpoints = [_endpoint(entry, f"AGENTSITE_ENDPOINTS[{index}]") for index, entry in enumerate(entries)]
    if doubled := _first_doubled([endpoint.name for endpoint in endpoints]):
        raise ValueError(f"AGENTSITE_ENDPOINTS names {doubled!r} more than once.")
    return endpoints


def _endpoint(entry: Any, where: str) -> Endpoint:
    if not isinstance(entry, dict):
        raise ValueError(f"{where} must be an object, not {entry!r}.")  # noqa: TRY004 - a wrong setting
    _check_keys(entry, {"name", "kind", "base_url", "models", "key_env", "prices", *_READERS}, where)
    kind = _text(entry, "kind", where, default="openai")
    if kind not in get_args(EndpointKind):
        raise ValueError(f"{where}.kind must be one of {', '.join(get_args(EndpointKind))}, not {kind!r}.")
    name = _text(entry, "name", where)
    if not re.fullmatch(r"[A-Za-z0-9][\w-]*", name, re.ASCII) or name in RESERVED:
        raise ValueError(f"{where}.name must be letters, digits, '-' and '_', and none of {RESERVED}: {name!r}.")
    base_url = _text(entry, "base_url", where)
    if not _is_address(base_url):
        told = "…" if "@" in base_url else repr(base_url)
        raise ValueError(f"{where}.base_url must be an http or https address, not {told}.")
    own = _models(entry.get("models"), kind, f"{where}.models")
    endpoint = Endpoint(
        name,
        kind,  # type: ignore[arg-type]  # checked above
        base_url,
        tuple(own),
        _text(entry, "key_env", where, default="") or None,
        _prices(entry.get("prices", {}), list(own), f"{where}.prices"),
        _capabilities(entry, kind, where),
        tuple((model, said) for model, said in own.items() if said != UNKNOWN),
    )
    for model in endpoint.models:
        _check_sizes(endpoint.capabilities_of(model), model, where)
    return endpoint


def _models(entries: Any, kind: str, where: str) -> dict[str, Capabilities]:
    """The declared capabilities of each model, by name."""
    if not isinstance(entries, list) or not entries:
        raise ValueError(f"{where} must be a list of at least one model's name, not {entries!r}.")
    named = [_model(entry, kind, f"{where}[{index}]") for index, entry in enumerate(entries)]
    if doubled := _first_doubled([name for name, _ in named]):
        raise ValueError(f"{where} names {doubled!r} more than once.")
    return dict(named)


def _model(entry: Any, kind: str, where: str) -> tuple[str, Capabilities]:
    if isinstance(entry, dict):
        _check_keys(entry, {"name", *_READERS}, where)
        name, said = _text(entry, "name", where), _capabilities(entry, kind, where)
    elif isinstance(entry, str) and entry:
        name, said = entry, UNKNOWN
    else:
        raise ValueError(f"{where} must be a model's name, or an object with its name, not {entry!r}.")
    if fault := wrong_in(name):
        raise ValueError(f"{where} is not a model name: {name!r} {fault}.")
    return name, said


def _capabilities(entry: JsonMapping, kind: str, where: str) -> Capabilities:
    if "stream_options" in entry and kind != "openai":
        raise ValueError(f"{where}.stream_options is for kind openai only: {kind} always reports the usage.")
    said = {name: read(entry[name], f"{where}.{name}") for name, read in _READERS.items() if name in entry}
    return Capabilities(**said)


def _check_sizes(said: Capabilities, model: str, where: str) -> None:
    window, output = said.context_tokens, said.max_output_tokens
    if window is not None and output is not None and output > window:
        raise ValueError(f"{where}: max_output_tokens of {model!r} is {output}, more than its context_tokens {window}.")


def _boolean(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{where} must be true or false, not {value!r}.")  # noqa: TRY004 - a wrong setting
    return value


def _tokens(value: Any, where: str, *, least: int = 1) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MAX_TOKENS:
        raise ValueError(f"{where} must be a whole number of tokens from {least} to {MAX_TOKENS}, not {value!r}.")
    return value


def _seconds(value: Any, where: str) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or not MIN_TIME_S <= value <= MAX_TIME_S:
        raise ValueError(f"{where} must be a number of seconds from {MIN_TIME_S} to {MAX_TIME_S}, not {value!r}.")
    return float(value)


_READERS: Final[Mapping[str, Callable[[Any, str], Any]]] = {
    "context_tokens": partial(_tokens, least=MIN_CONTEXT_TOKENS),
    "max_output_tokens": _tokens,
    **dict.fromkeys(("model_timeout_s", "first_token_timeout_s", "idle_timeout_s"), _seconds),
    **dict.fromkeys(("tools", "strict_tools", "parallel_tools", "stream_options", "output_schema", "vision"), _boolean),
}
"""The parsers of the capabilities of a server or a model, by the name in `Capabilities`."""


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


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # an invalid port, half of an IPv6 address
        return False


def _text(entry: JsonMapping, key: str, where: str, *, default: str | None = None) -> str:
    value = entry.get(key, default)
    if not isinstance(value, str) or (not value and default is None):
        raise ValueError(f"{where}.{key} must be a text, not {value!r}.")
    return value


def _check_keys(entry: JsonMapping, known: set[str], where: str) -> None:
    if unknown := sorted(entry.keys() - known):
        raise ValueError(f"{where} has an unknown key {unknown[0]!r}.")


def _first_doubled(names: Sequence[str]) -> str | None:
    return min((name for name in names if names.count(name) > 1), default=None)
