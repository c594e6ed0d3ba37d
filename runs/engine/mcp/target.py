"""Which server a connection is to, and its transport."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings

from runs.agent.errors.exceptions import ToolUnavailable
from runs.agent.json_data.json_types import JsonObject
from runs.agent.tools.web.host_rules import HostRules
from runs.agent.tools.web.http_hosts import HttpHost, host_of
from runs.engine.mcp.stdio_settings import StdioServer
from runs.models import ToolSource

MCP_HOSTS: Final = "AGENTSITE_MCP_HOSTS"


@dataclass(frozen=True, slots=True)
class Target:
    """A server."""

    source_id: int
    name: str
    options: JsonObject
    """Those of its source: `transport` is `stdio` or `http`; `url` and `auth` of an HTTP server."""

    @classmethod
    def of(cls, source: ToolSource) -> "Target":
        """The server of a source."""
        return cls(source.pk, source.name, source.options)

    @property
    def is_stdio(self) -> bool:
        """True for a process of the site's settings."""
        return self.options.get("transport") == "stdio"

    @property
    def url(self) -> str:
        """The address of an HTTP server."""
        return str(self.options.get("url", ""))

    def stdio_server(self) -> StdioServer:
        """How its process is started. Raises `ToolUnavailable` if the settings no longer name it."""
        server = settings.AGENTSITE_MCP_SERVERS.get(self.name)
        if not isinstance(server, StdioServer):
            raise ToolUnavailable(f"The settings of this site no longer name the MCP server {self.name}.")
        return server


def named_host(url: str) -> HttpHost | None:
    """The entry of `AGENTSITE_MCP_HOSTS` for the URL; None without one."""
    hosts: list[HttpHost] = settings.AGENTSITE_MCP_HOSTS
    return host_of(url, hosts)


def rules_for(url: str) -> HostRules:
    """The addresses that a connection to the URL may use: the public internet's, and any of a host that the settings
    name."""
    host = named_host(url)
    return HostRules(frozenset({(host.host, host.port)})) if host is not None else _public(url)


def _public(url: str) -> HostRules:
    try:
        port = urlsplit(url).port
    except ValueError:
        port = None
    # Any port of a public host: staff chose the address, not a model.
    return HostRules(ports=(80, 443, *((port,) if port else ())))


def headers_for(url: str) -> dict[str, str]:
    """The headers that the settings give for the URL, with their secrets."""
    host = named_host(url)
    return host.filled_headers(os.environ) if host is not None else {}


def secrets_of(target: Target) -> set[str]:
    """The values that only this server gets, which nothing of it may show."""
    if target.is_stdio:
        server = settings.AGENTSITE_MCP_SERVERS.get(target.name)
        return server.secrets() if isinstance(server, StdioServer) else set()
    host = named_host(target.url)
    return {os.environ[name] for name in host.secret_names if os.environ.get(name)} if host is not None else set()


@asynccontextmanager
async def open_transport(target: Target, output: Any, auth: Any = None) -> AsyncIterator[Any]:
    """The streams to the server. `output` gets what its process writes beside messages; `auth` signs requests in."""
    # Here: the SDK is loaded by the first connection of a process, and takes most of a second.
    from mcp.client.streamable_http import streamable_http_client

    from runs.engine.mcp.http_transport import http_client
    from runs.engine.mcp.stdio_transport import stdio_transport

    if target.is_stdio:
        async with stdio_transport(target.stdio_server(), output) as streams:
            yield streams
        return
    async with (
        http_client(rules_for(target.url), headers_for(target.url), auth) as client,
        streamable_http_client(target.url, http_client=client) as streams,
    ):
        yield streams
