"""The catalog of models: names, sources, capabilities, and the provider of a name."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from runs.agent.errors import model_sentences as sentences
from runs.agent.errors.model_exceptions import ModelNotSetUp
from runs.agent.messages import ModelProvider
from runs.agent.providers.capabilities import UNKNOWN, Capabilities
from runs.agent.providers.formats.anthropic import AnthropicFormat
from runs.agent.providers.formats.google import GoogleFormat
from runs.agent.providers.formats.openai import OpenAIFormat
from runs.agent.providers.formats.openai_responses import ResponsesFormat
from runs.agent.providers.model_catalog import announced_model_server as discovery
from runs.agent.providers.model_catalog.endpoints import Endpoint
from runs.agent.providers.model_catalog.hosted_providers import HOSTED, Hosted
from runs.agent.providers.model_catalog.model_list import LISTS, ModelList, known_capabilities
from runs.agent.providers.model_catalog.model_names import name_fault
from runs.agent.providers.model_catalog.retirements import announced
from runs.agent.providers.model_server import Server, account_of
from runs.agent.providers.remote_model import RemoteModel
from runs.agent.providers.wire_format import WireFormat

MOST_NAMED = 20
"""Number of models listed in the fault about an unknown one."""

_FORMATS: Mapping[str, type[WireFormat]] = {
    "openai": OpenAIFormat,
    "responses": ResponsesFormat,
    "anthropic": AnthropicFormat,
    "google": GoogleFormat,
}
"""The wire format by the kind of an endpoint, or `google`."""


@dataclass(frozen=True, slots=True)
class Source:
    """A hosted provider or a server of AGENTSITE_ENDPOINTS."""

    kind: str
    """The kind of an endpoint, or `google`."""
    server: Server
    endpoint: Endpoint | None = None
    """The entry of AGENTSITE_ENDPOINTS; None for a hosted provider."""

    @property
    def account(self) -> str:
        """The identifier of server and key."""
        return account_of(self.server)

    @property
    def models(self) -> ModelList:
        """The models of the source, as last read."""
        return LISTS.of(self.account)

    @property
    def wire_format(self) -> type[WireFormat]:
        """The wire format of its API."""
        return _FORMATS[self.kind]

    def full_name(self, model: str) -> str:
        """The name of the model in settings and on pages."""
        return f"{self.server.name}{'/' if self.endpoint else ':'}{model}"

    def remote_model(self, model: str) -> RemoteModel:
        """The provider of the model, with its price if configured."""
        price = None if self.endpoint is None else dict(self.endpoint.prices).get(model)
        wire_format = self.wire_format(model, self.server, capabilities=self.capabilities_of(model))
        return RemoteModel(wire_format, price=price)

    def capabilities_of(self, model: str) -> Capabilities:
        """The declared and listed capabilities of the model."""
        declared = UNKNOWN if self.endpoint is None else self.endpoint.capabilities_of(model)
        return known_capabilities(self.account, model, declared)

    def retires_on(self, model: str) -> date | None:
        """The retirement date stated by the server, else announced by the company; None if unknown."""
        listed = self.models.find(model)
        if listed is not None and listed.retires_on is not None:
            return listed.retires_on
        return None if self.endpoint is not None else announced(self.server.name, model)


def sources(*, endpoints: Sequence[Endpoint] | None = None, environ: Mapping[str, str] | None = None) -> list[Source]:
    """The usable sources: servers of AGENTSITE_ENDPOINTS, then hosted providers; without those whose key is missing."""
    environ = os.environ if environ is None else environ
    own = [_own(endpoint, environ) for endpoint in _served(endpoints, environ) if endpoint.is_usable(environ)]
    return [*own, *(_company(hosted, environ) for hosted in HOSTED.values() if hosted.key(environ))]


def provider_for(
    model_name: str, *, endpoints: Sequence[Endpoint] | None = None, environ: Mapping[str, str] | None = None
) -> ModelProvider:
    """The provider of a model. `endpoints` None: those of `discovery.own_endpoints`.

    Raises `ModelNotSetUp`, a `ValueError`, for an unknown name, and with the variable of a missing key. Nothing is
    loaded or connected before the first request.
    """
    environ = os.environ if environ is None else environ
    if model_name == "offline":
        return _offline()
    source, model = _find(model_name, endpoints, environ)
    variables = source.endpoint.key_env if source.endpoint else " or ".join(HOSTED[source.server.name].key_envs)
    if variables and source.server.key is None:
        raise ModelNotSetUp(sentences.NEEDS_KEY.made(model=repr(model_name), variables=variables), variable=variables)
    return source.remote_model(model)


def sees_images(model_name: str) -> bool:
    """False if the model is known to take no images. A model that is not set up is refused elsewhere."""
    try:
        capabilities: Capabilities | None = getattr(provider_for(model_name), "capabilities", None)
    except ModelNotSetUp:
        return True
    return capabilities is None or capabilities.vision is not False


def model_fault(
    name: str, *, endpoints: Sequence[Endpoint] | None = None, environ: Mapping[str, str] | None = None
) -> str | None:
    """Why a run cannot be launched with this model, or None. A missing key is named by its variable.

    A server of AGENTSITE_ENDPOINTS has the configured models and those it lists. The list may be outdated or not read
    yet, so it is checked at the launch only: later the server itself refuses an unknown model.
    """
    if fault := name_fault(name):
        return fault
    environ = os.environ if environ is None else environ
    try:
        provider = provider_for(name, endpoints=endpoints, environ=environ)
    except ModelNotSetUp as error:
        return str(error)
    return _unlisted(name, *_find(name, endpoints, environ)) if isinstance(provider, RemoteModel) else None


def _unlisted(name: str, source: Source, model: str) -> str | None:
    """The fault for a model that is neither configured nor listed; else None."""
    if source.endpoint is None or model in source.endpoint.models or source.models.find(model):
        return None
    listed = source.models
    known = list(dict.fromkeys([*source.endpoint.models, *listed.models]))
    named = ", ".join(map(source.full_name, known[:MOST_NAMED]))
    values = {"model": repr(name), "server": repr(source.server.name), "names": named}
    more = len(known) - MOST_NAMED
    fault = sentences.UNLISTED_OF_MANY.made(**values, count=more) if more > 0 else sentences.UNLISTED.made(**values)
    return sentences.LIST_UNREAD.made(message=fault, fault=listed.fault) if listed.fault else fault


def retirement_of(
    model_name: str, *, endpoints: Sequence[Endpoint] | None = None, environ: Mapping[str, str] | None = None
) -> date | None:
    """The retirement date of a model; None if it or the model is unknown."""
    try:
        source, model = _find(model_name, endpoints, os.environ if environ is None else environ)
    except ModelNotSetUp:
        return None
    return source.retires_on(model)


def _find(name: str, endpoints: Sequence[Endpoint] | None, environ: Mapping[str, str]) -> tuple[Source, str]:
    """The source of the model, even if its key is missing, and the model's name there. Raises `ModelNotSetUp`."""
    prefix, colon, model = name.partition(":")
    if colon and model and "/" not in prefix:
        if prefix not in HOSTED:
            raise ModelNotSetUp(sentences.UNKNOWN_MODEL.made(model=repr(name)))
        return _company(HOSTED[prefix], environ), model
    server, slash, model = name.partition("/")
    endpoint = next((each for each in _served(endpoints, environ) if slash and each.name == server), None)
    if endpoint is None or not model:
        if name == discovery.LOCAL_MODEL:
            raise ModelNotSetUp(sentences.NOT_RUNNING.made(model=repr(name)), server=server)
        raise ModelNotSetUp(sentences.UNKNOWN_MODEL.made(model=repr(name)), server=server if model else "")
    return _own(endpoint, environ), model


def _served(endpoints: Sequence[Endpoint] | None, environ: Mapping[str, str]) -> Sequence[Endpoint]:
    return discovery.own_endpoints(environ) if endpoints is None else endpoints


def _own(endpoint: Endpoint, environ: Mapping[str, str]) -> Source:
    return Source(endpoint.kind, Server(endpoint.name, endpoint.base_url, endpoint.key(environ)), endpoint)


def _company(hosted: Hosted, environ: Mapping[str, str]) -> Source:
    # OpenAI's chat completions refuse tools for reasoning models.
    kind = "responses" if hosted.name == "openai" else hosted.name
    return Source(kind, Server(hosted.name, hosted.address(environ), hosted.key(environ)))


def _offline() -> ModelProvider:
    from runs.agent.providers.offline import OfflinePlanner  # its grammar is loaded only if it is used

    return OfflinePlanner()
