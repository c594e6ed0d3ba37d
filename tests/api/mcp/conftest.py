"""Fixtures of the tests of our MCP server."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.mcp.mcp_clients import SET_UP, STREAMS
from tests.live_site import LiveSite, copy_data
from tests.wire import WireServer


@pytest.fixture(scope="module")
def slow_model() -> Iterator[WireServer]:
    """A model server."""
    with WireServer() as server:
        yield server


@pytest.fixture(scope="module")
def site(prepared_data: Path, tmp_path_factory: pytest.TempPathFactory, slow_model: WireServer) -> Iterator[LiveSite]:
    """The site."""
    endpoint = {"name": "local", "kind": "openai", "base_url": slow_model.base_url, "models": ["m1"]}
    settings = {"AGENTSITE_MAX_STREAMS_PER_USER": str(STREAMS), "AGENTSITE_ENDPOINTS": json.dumps([endpoint])}
    site = LiveSite(copy_data(prepared_data, tmp_path_factory.mktemp("mcp-site") / "data"), settings).start()
    yield site
    site.stop()


@pytest.fixture(scope="module")
def tokens(site: LiveSite) -> dict[str, str]:
    """Tokens of ada with all scopes, of ada with `read` only, and of eve."""
    return dict(zip(("ada", "reader", "eve"), site.ask(SET_UP).split(), strict=True))
