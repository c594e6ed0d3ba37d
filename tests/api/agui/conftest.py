"""One site for the tests of a file, whose models `local/…` are a wire server, and the token of its one user, ada."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.agui.client import RawClient, install
from tests.live_site import LiveSite, copy_data
from tests.wire.server import WireServer

_SET_UP = """
from django.contrib.auth.models import User
from runs.models import Agent, ApiToken
Agent.objects.create(name="Careful", model_names=["offline"], approval="always")
Agent.objects.create(name="Careful caller", model_names=["local/m1"], approval="always")
Agent.objects.create(name="Racer", model_names=["local/m1", "local/m2"], strategy="race")
schema = {"type": "object", "properties": {"height": {"type": "number"}}, "required": ["height"]}
Agent.objects.create(name="Measurer", model_names=["local/m1"], output_schema=schema)
ada = User.objects.create_user("ada")
print(ApiToken.issue(ada, name="x", scopes=["read", "launch", "approve"])[1])
"""


@pytest.fixture(scope="module")
def npm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the npm client."""
    folder = tmp_path_factory.mktemp("agui")
    install(folder)
    return folder


@pytest.fixture(scope="module")
def wire_port() -> int:
    """The port of the model servers of a file's tests, which run one after the other."""
    with WireServer() as server:
        return server.port


@pytest.fixture
def wire_server(wire_port: int) -> Iterator[WireServer]:
    """A model server in its initial state."""
    with WireServer(port=wire_port) as server:
        yield server


@pytest.fixture(scope="module")
def site(prepared_data: Path, tmp_path_factory: pytest.TempPathFactory, wire_port: int) -> Iterator[LiveSite]:
    """The site."""
    data = tmp_path_factory.mktemp("agui-site") / "data"
    copy_data(prepared_data, data)
    endpoint = {
        "name": "local",
        "kind": "openai",
        "base_url": f"http://127.0.0.1:{wire_port}/v1",
        "models": ["m1", "m2"],
    }
    site = LiveSite(data, {"AGENTSITE_ENDPOINTS": json.dumps([endpoint])}).start()
    yield site
    site.close()


@pytest.fixture(scope="module")
def token(site: LiveSite) -> str:
    """The token of Ada's program."""
    return site.ask(_SET_UP)


@pytest.fixture
def raw(site: LiveSite, token: str) -> RawClient:
    """Ada's program, which reads raw events."""
    return RawClient(site.url, token)
