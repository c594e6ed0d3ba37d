"""Which models there are, and who serves them."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from runs.agent.errors import ModelNotSetUp
from runs.agent.messages import ModelProvider
from runs.agent.providers import discovery
from runs.agent.providers.anthropic import AnthropicModel
from runs.agent.providers.capabilities import UNKNOWN, Capabilities
from runs.agent.providers.endpoints import Endpoint
from runs.agent.providers.google import GoogleModel
from runs.agent.providers.hosted import HOSTED, Hosted
from runs.agent.providers.model_list import LISTS, ModelList, known_capabilities
from runs.agent.providers.names import name_fault
from runs.agent.providers.openai import OpenAIModel
from runs.agent.providers.responses import ResponsesModel
from runs.agent.providers.retirements import announced
from runs.agent.providers.served import ServedModel, Server, account_of

WHAT_WORKS = (
    "offline, openai:<name>, anthropic:<name>, google:<name>, or <server>/<model> for a server named in "
    "AGENTSITE_ENDPOINTS"
)

MOST_NAMED = 20
"""Models of a server that are named where another was asked for."""

_FORMATS: Mapping[str, type[ServedModel]] = {
    "openai": OpenAIModel,
    "responses": ResponsesModel,
    "anthropic": AnthropicModel,
    "google": GoogleModel,
}
"""By the kind of an endpoint, or `google`."""


@dataclass(frozen=True, slots=True)
class Source:
    """A company or an own server as it is asked here."""

    kind: str
    """An endpoint's, or `google`."""
    server: Server
    endpoint: Endpoint | None = None
    """What is said of it, if it is an own server."""

    @property
    def account(self) -> str:
        """Who is asked, with which key."""
        return account_of(self.server)

    @property
    def models(self) -> ModelList:
        """What it was last heard to have."""
        return LISTS.of(self.account)

    @property
    def format(self) -> type[ServedModel]:
        """How it is spoken to."""
        return _FORMATS[self.kind]

    def full_name(self, model: str) -> str:
        """What people call the model."""
        return f"{self.server.name}{'/' if self.endpoint else ':'}{model}"

    def served(self, model: str) -> ServedModel:
        """The model, to be asked."""
        price = None if self.endpoint is None else dict(self.endpoint.prices).get(model)
        return self.format(model, self.server, price=price, capabilities=self.capabilities_of(model))

    def capabilities_of(self, model: str) -> Capabilities:
        """What is known of the model."""
        declared = UNKNOWN if self.endpoint is None else self.endpoint.capabilities_of(model)
        return known_capabilities(self.account, model, declared)

    def retires_on(self, model: str) -> date | None:
        """The day the model ends, as the server says, else as the company has announced it; None if neither does."""
        listed = self.models.find(model)
        if listed is not None and listed.retires_on is not None:
            return listed.retires_on
        return None if self.endpoint is not None else announced(self.server.name, model)


def sources(*, endpoints: Sequence[Endpoint] | None = None, environ: Mapping[str, str] | None = None) -> list[Source]:
    """Who can be asked here: own servers, then companies; without those whose key is missing."""
    environ = os.environ if environ is None else environ
    own = [_own(endpoint, environ) for endpoint in _served(endpoints, environ) if endpoint.is_usable(environ)]
    return [*own, *(_company(hosted, environ) for hosted in HOSTED.values() if hosted.key(environ))]


def provider_for(
    model_name: str, *, endpoints: Sequence[Endpoint] | None = None, environ: Mapping[str, str] | None = None
) -> ModelProvider:
    """Who serves the model of that name. Without `endpoints` those of `discovery.own_endpoints`.

    Raises `ModelNotSetUp`, a `ValueError`, for a name nobody serves, and names the variable of a key that is missing.
    Nothing is loaded or connected before the first reply is asked for.
    """
    environ = os.environ if environ is None else environ
    if model_name == "offline":
        return _offline()
    source, model = _find(model_name, endpoints, environ)
    variables = source.endpoint.key_env if source.endpoint else " or ".join(HOSTED[source.server.name].key_envs)
    if variables and source.server.key is None:
        raise ModelNotSetUp(
            f"The model {model_name!r} needs a key: set the environment variable {variables}.", variable=variables
        )
    return source.served(model)


def model_fault(
    name: str, *, endpoints: Sequence[Endpoint] | None = None, environ: Mapping[str, str] | None = None
) -> str | None:
    """Why a run cannot be launched with this model here, or None. A missing key is named by its variable.

    An own server has the models it was described with and those it lists itself. Its list may be a moment old, or
    not read yet, so a run that has begun is not held to it: its server says itself what it has.
    """
    if fault := name_fault(name):
        return fault
    environ = os.environ if environ is None else environ
    try:
        provider = provider_for(name, endpoints=endpoints, environ=environ)
    except ModelNotSetUp as error:
        return str(error)
    return _unlisted(name, *_find(name, endpoints, environ)) if isinstance(provider, ServedModel) else None


def _unlisted(name: str, source: Source, model: str) -> str | None:
    """Why the server has no such model, as far as is known."""
    if source.endpoint is None or model in source.endpoint.models or source.models.find(model):
        return None
    listed = source.models
    known = list(dict.fromkeys([*source.endpoint.models, *listed.models]))
    more = f" and {len(known) - MOST_NAMED} more" if len(known) > MOST_NAMED else ""
    named = ", ".join(map(source.full_name, known[:MOST_NAMED]))
    fault = f" Its own list could not be read: {listed.fault}." if listed.fault else ""
    return f"Unknown model {name!r}: the server {source.server.name!r} has {named}{more}.{fault}"


def retirement_of(
    model_name: str, *, endpoints: Sequence[Endpoint] | None = None, environ: Mapping[str, str] | None = None
) -> date | None:
    """The day the model of that name ends; None if nobody has said so, or nobody serves it."""
    try:
        source, model = _find(model_name, endpoints, os.environ if environ is None else environ)
    except ModelNotSetUp:
        return None
    return source.retires_on(model)


def _find(name: str, endpoints: Sequence[Endpoint] | None, environ: Mapping[str, str]) -> tuple[Source, str]:
    """Who serves the model, whether or not the key is there, and its name there. Raises `ModelNotSetUp`."""
    prefix, colon, model = name.partition(":")
    if colon and model and "/" not in prefix:
        if prefix not in HOSTED:
            raise ModelNotSetUp(f"Unknown model {name!r}: {WHAT_WORKS}.")
        return _company(HOSTED[prefix], environ), model
    server, slash, model = name.partition("/")
    endpoint = next((each for each in _served(endpoints, environ) if slash and each.name == server), None)
    if endpoint is None or not model:
        if name == discovery.LOCAL_MODEL:
            raise ModelNotSetUp(discovery.NOT_RUNNING, server=server)
        raise ModelNotSetUp(f"Unknown model {name!r}: {WHAT_WORKS}.", server=server if model else "")
    return _own(endpoint, environ), model


def _served(endpoints: Sequence[Endpoint] | None, environ: Mapping[str, str]) -> Sequence[Endpoint]:
    return discovery.own_endpoints(environ) if endpoints is None else endpoints


def _own(endpoint: Endpoint, environ: Mapping[str, str]) -> Source:
    return Source(endpoint.kind, Server(endpoint.name, endpoint.base_url, endpoint.key(environ)), endpoint)


def _company(hosted: Hosted, environ: Mapping[str, str]) -> Source:
    # Chat completions of OpenAI itself refuse tools of the models that reason.
    kind = "responses" if hosted.name == "openai" else hosted.name
    return Source(kind, Server(hosted.name, hosted.address(environ), hosted.key(environ)))


def _offline() -> ModelProvider:
    from runs.agent.providers.offline import OfflinePlanner  # its grammar is loaded only if it is used

    return OfflinePlanner()
