"""An authorization server of the tests, and a person who signs in there."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest
from django.test import Client

from runs.agent.tools.web.http_hosts import parse_http_hosts
from tests.engine.mcp import forked_programs

SERVER = Path(__file__).with_name("oauth_server.py")
PAGE = "/tools/servers/test/"


class AuthorizationServerDouble:
    """The authorization server, with the MCP server behind it."""

    def __init__(self, origin: str) -> None:
        self.origin, self.url = origin, f"{origin}/mcp"

    def control(self, **how: Any) -> dict[str, Any]:
        """Change how it behaves. Returns what it saw."""
        return dict(httpx2.post(f"{self.origin}/control", json=how).json())

    def agree(self, address: str) -> str:
        """Where a person who agrees is sent back to."""
        return str(httpx2.get(address).headers["location"])


@pytest.fixture(scope="module")
def running_oauth() -> Iterator[AuthorizationServerDouble]:
    """The server."""
    environment = {name: value for name, value in os.environ.items() if name != "TOOLS_FILE"}
    process = forked_programs.start(SERVER, environment=environment)
    assert process.stdout is not None
    yield AuthorizationServerDouble(f"http://127.0.0.1:{process.stdout.readline().strip()}")
    forked_programs.end(process)


@pytest.fixture
def oauth(settings: Any, running_oauth: AuthorizationServerDouble) -> AuthorizationServerDouble:
    """The server, as if it were new."""
    settings.AGENTSITE_MCP_HOSTS = parse_http_hosts(json.dumps({running_oauth.origin: {}}), {})
    running_oauth.control(again=True)
    return running_oauth


def begin(browser: Client, mode: str = "server") -> str:
    """The address that a person is sent to."""
    page = browser.post(f"{PAGE}sign-in/", {"mode": mode})
    assert page.status_code == 200, page.content.decode()
    return str(page.context["address"])


def sign_in(browser: Client, oauth: AuthorizationServerDouble, mode: str = "server", **changed: str) -> Any:
    """Sign in, and come back; with `changed` parameters in the response."""
    back = urlsplit(oauth.agree(begin(browser, mode)))
    given = {name: each[0] for name, each in parse_qs(back.query).items()} | changed
    return browser.get(f"{back.path}?{urlencode(given)}", follow=True)
