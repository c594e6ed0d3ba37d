"""MCP servers of the tests, connected as those of a site."""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from runs.agent.tools.registry import execute_tool_safely, registered_tools
from runs.agent.tools.web.http_hosts import parse_http_hosts
from runs.engine.mcp.connection import ServerConnection
from runs.engine.mcp.pool import close_connections, mcp_loop
from runs.engine.mcp.stdio_settings import parse_stdio_servers
from runs.engine.mcp.target import Target
from runs.engine.stored_tools.catalog import refresh_tools
from runs.engine.stored_tools.decisions import set_effect, turn_on
from runs.engine.stored_tools.listings import Listing
from runs.models import StoredTool, ToolSource
from tests.engine.mcp import forked_programs

SERVER = Path(__file__).with_name("server.py")
STARTED_WITHIN_S = 20.0


class McpSite:
    """The MCP servers of a site."""

    def __init__(self, settings: Any, folder: Path, *, are_forked: bool) -> None:
        self.settings = settings
        self.are_forked = are_forked
        """False: the servers are the site's own processes."""
        self.tools_file = folder / "tools.json"
        self.tools_file.write_text("{}")

    async def add(self, name: str, *args: str, url: str = "", turned_on: bool = True, **more: Any) -> ToolSource:
        """A server of the tests, connected once, with all its tools on; `url` for one that is there already."""
        command = [sys.executable, str(SERVER), *args]
        if self.are_forked and not url:
            command = forked_programs.command_of(SERVER, *args)
        entry = {"command": command[0], "args": command[1:], "env": ["TOOLS_FILE"], **more}
        return await self.add_command(name, entry, url=url, turned_on=turned_on)

    async def add_command(self, name: str, entry: Any, *, url: str = "", turned_on: bool = True) -> ToolSource:
        """The server that an entry of the settings names."""
        options = {"transport": "http", "url": url} if url else {"transport": "stdio"}
        self.settings.AGENTSITE_MCP_SERVERS = self.settings.AGENTSITE_MCP_SERVERS | parse_stdio_servers(
            json.dumps({} if url else {name: entry})
        )
        if url:
            origin = "/".join(url.split("/")[:3])
            self.settings.AGENTSITE_MCP_HOSTS = parse_http_hosts(json.dumps({origin: {}}), {})
        now = timezone.now()
        source = await ToolSource.objects.acreate(name=name, kind="mcp", options=options, state_since=now, added_at=now)
        if turned_on:
            await self.check(source)
            await sync_to_async(self.turn_all_on)(source)
        return source

    def turn_all_on(self, source: ToolSource) -> None:
        """Approve what is listed now."""
        for tool in StoredTool.objects.filter(source=source, fault=""):
            turn_on(tool.pk, seen_hash=tool.hash, by=None)
        refresh_tools()

    async def check(self, source: ToolSource) -> Listing | None:
        """Connect and list, as the page's button does."""
        loop = mcp_loop()
        return await loop.run(loop.check(Target.of(source)))

    async def call(self, name: str, **arguments: Any) -> Any:
        """Call a tool as a run does."""
        return await execute_tool_safely(registered_tools()[name], arguments)

    async def says_effect(self, name: str, effect: Any) -> None:
        """Staff say what the tool does."""
        row = await StoredTool.objects.aget(name=name)
        await sync_to_async(set_effect)(row.pk, effect)
        await sync_to_async(refresh_tools)()

    async def row(self, source: ToolSource) -> ToolSource:
        """The source as its page shows it."""
        return await ToolSource.objects.aget(pk=source.pk)

    async def until(self, is_true: Any) -> None:
        """Return when `is_true()` is."""
        give_up_at = time.monotonic() + STARTED_WITHIN_S
        while not await is_true():
            assert time.monotonic() < give_up_at
            await asyncio.sleep(0.02)

    async def close(self, source: ToolSource) -> None:
        """End the connection of this process."""
        loop = mcp_loop()
        await loop.run(loop.drop(source.pk))

    async def connection(self, source: ToolSource) -> ServerConnection:
        """The connection of this process."""
        loop = mcp_loop()
        return (await loop.run(loop._calls_of(Target.of(source)))).connection


@pytest.fixture
async def mcp_site(
    request: pytest.FixtureRequest,
    transactional_db: None,
    own_registry: None,
    settings: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[McpSite]:
    """The MCP servers of a site; all are ended after the test. Experiments break their processes, and fork none."""
    monkeypatch.setattr("runs.engine.stored_tools.catalog.FRESH_S", -1.0)
    monkeypatch.setattr("runs.engine.stored_tools.catalog._loaded.version", None)
    settings.AGENTSITE_MCP_SERVERS = {}
    site = McpSite(settings, tmp_path, are_forked=request.node.get_closest_marker("experiment") is None)
    monkeypatch.setenv("TOOLS_FILE", str(site.tools_file))
    yield site
    await close_connections()


@pytest.fixture(scope="module")
def http_server() -> Iterator[str]:
    """The address of the server of the tests over HTTP."""
    environment = {name: value for name, value in os.environ.items() if name != "TOOLS_FILE"}
    process = forked_programs.start(SERVER, "--http", environment=environment)
    assert process.stdout is not None
    yield f"http://127.0.0.1:{process.stdout.readline().strip()}/mcp"
    forked_programs.end(process)


def processes_of(name: str) -> list[int]:
    """The processes of the MCP server of that name, also those of a site that is gone."""
    marker = f"AGENTSITE_MCP_SERVER={name}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if marker in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found
