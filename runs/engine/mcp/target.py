"""Which server a connection is to, and its transport."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from runs.agent.errors.exceptions import ToolUnavailable
from runs.agent.json_data.json_types import JsonObject
from runs.engine.mcp.named_hosts import headers_for, named_host, rules_for
from runs.engine.mcp.oauth.used_tokens import used_tokens
from runs.engine.mcp.stdio_settings import StdioServer
from runs.models import ToolSource


@dataclass(frozen=True, slots=True)
class Target:
    """A server."""

    source_id: int
    name: str
    options: JsonObject
    """Those of its source: `transport` is `stdio` or `http`; `url` and `sign_in` of an HTTP server."""
    user_id: int | None = None
    """Whose sign-in the connection uses; None for that of the whole site, or none."""

    @classmethod
    def of(cls, source: ToolSource, user_id: int | None = None) -> "Target":
        """The server of a source, for this person if each one signs in there."""
        is_own = source.options.get("sign_in") == "person"
        return cls(source.pk, source.name, source.options, user_id if is_own else None)

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


def secrets_of(target: Target) -> set[str]:
    """The values that only this server gets, which nothing of it may show."""
    if target.is_stdio:
        server = settings.AGENTSITE_MCP_SERVERS.get(target.name)
        return server.secrets() if isinstance(server, StdioServer) else set()
    host = named_host(target.url)
    named = host.secret_names if host is not None else []
    return used_tokens() | {os.environ[name] for name in named if os.environ.get(name)}


@asynccontextmanager
async def open_transport(target: Target, output: Any) -> AsyncIterator[Any]:
    """The streams to the server. `output` gets what its process writes beside messages."""
    # Here: the SDK is loaded by the first connection of a process, and takes most of a second.
    from mcp.client.streamable_http import streamable_http_client

    from runs.engine.mcp.http_transport import http_client
    from runs.engine.mcp.oauth.access_tokens import AccessTokens
    from runs.engine.mcp.stdio_transport import stdio_transport

    if target.is_stdio:
        async with stdio_transport(target.stdio_server(), output) as streams:
            yield streams
        return
    tokens = AccessTokens(target.source_id, target.user_id) if target.options.get("sign_in") else None
    async with (
        http_client(rules_for(target.url), headers_for(target.url), tokens) as client,
        streamable_http_client(target.url, http_client=client) as streams,
    ):
        yield streams
