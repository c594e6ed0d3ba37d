"""One double for all tests here."""

from collections.abc import Iterator

import pytest

from runs.agent.messages import ModelProvider
from runs.agent.providers.model_catalog.catalog import provider_for
from runs.agent.tools import registry
from tests.doubles.aimock import Aimock, install

MODELS = {
    "responses": "openai:gpt-5.6",
    "chat": "double/gpt-5.6",
    "messages": "anthropic:claude-sonnet-5-5",
    "gemini": "google:gemini-3.8-flash",
}
"""A model of each format, by its name in the product."""


@pytest.fixture(autouse=True)
def only_builtin_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests name the built-in tools alone. The double keeps no body of more than 64 KiB, which the tools that other
    tests of this process have left would make."""
    registry.registered_tools()
    monkeypatch.setattr(registry, "_layers", registry._layers | {"own": {}})


@pytest.fixture(scope="module")
def running_aimock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aimock]:
    """The server."""
    folder = tmp_path_factory.mktemp("aimock")
    install(folder)
    server = Aimock(folder)
    yield server
    server.close()


@pytest.fixture
def aimock(running_aimock: Aimock) -> Aimock:
    """The server, without fixtures."""
    running_aimock.answer()
    return running_aimock


@pytest.fixture(params=MODELS)
def wire_format(request: pytest.FixtureRequest) -> str:
    """Each format in turn."""
    return str(request.param)


@pytest.fixture
def model(wire_format: str, aimock: Aimock) -> ModelProvider:
    """A model of that format, configured by environment variables."""
    return provider_for(MODELS[wire_format], environ=aimock.environment)
