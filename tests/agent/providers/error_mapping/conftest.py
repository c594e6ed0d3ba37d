"""One model server for the tests of a file, and a model of each format at it."""

from collections.abc import Iterator

import pytest

from runs.agent.providers.remote_model import RemoteModel
from tests.wire import WireServer
from tests.wire.models import FORMATS, model_at


@pytest.fixture(scope="module")
def _one_server() -> Iterator[WireServer]:
    with WireServer() as server:
        yield server


@pytest.fixture
def wire_server(_one_server: WireServer) -> WireServer:
    """The same server for every test, with its state cleared."""
    _one_server.forget()
    return _one_server


@pytest.fixture(params=FORMATS)
def model(request: pytest.FixtureRequest, wire_server: WireServer) -> RemoteModel:
    """A model of each format in turn."""
    return model_at(wire_server, request.param)
