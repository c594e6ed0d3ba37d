"""MCP servers that people use: their tools are listed and called, and what breaks is contained."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from runs.agent.errors.exceptions import InvalidArguments, OutcomeUnknown, ToolFailed
from runs.agent.tools.call_attempt import call_tool
from runs.agent.tools.registry import registered_tools
from tests.engine.mcp.mcp_fixtures import McpSite, processes_of
from tests.engine.mcp.real_servers.conftest import NAMES
from tests.engine.mcp.real_servers.installation import RealServer

pytestmark = pytest.mark.timeout(240)  # with the installations
ALL_OPEN = """
import asyncio, sys
from contextlib import AsyncExitStack
import django
django.setup()
from runs.engine.mcp.session import call_tool, open_session
from runs.engine.mcp.stdio_settings import parse_stdio_servers
from runs.engine.mcp.stdio_streams import ServerOutput
from runs.engine.mcp.stdio_transport import stdio_transport

async def main():
    async with AsyncExitStack() as stack:
        for server in parse_stdio_servers(sys.argv[1]).values():
            streams = await stack.enter_async_context(stdio_transport(server, ServerOutput()))
            told = {"on_tools_changed": lambda: None, "on_overload": lambda _why: None}
            session = open_session(streams, on_elicitation=None, **told)
            await (await stack.enter_async_context(session)).list_tools()
        print("ready", flush=True)
        await asyncio.sleep(100)

asyncio.run(main())
"""


class Connected:
    """A server that is connected, with all its tools on."""

    def __init__(self, site: McpSite, server: RealServer, name: str) -> None:
        self.site, self.server, self.name = site, server, name
        self.tool = f"{name}__{server.tool}"

    async def call(self) -> str:
        """The result of the call that it answers."""
        return str(await self.site.call(self.tool, **self.server.arguments))

    def signal(self, number: signal.Signals) -> None:
        """Send the signal to its processes, and not to the guard."""
        for pid in processes_of(self.name):
            with suppress(OSError):
                if b"server_guard" not in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, number)


@pytest.fixture(params=NAMES)
async def connected(
    request: Any, servers: dict[str, RealServer], mcp_site: McpSite, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Connected:
    """Each server in turn."""
    monkeypatch.setenv("MEMORY_FILE_PATH", str(tmp_path / "memory.jsonl"))
    server, name = servers[request.param], f"{request.param}_{os.getpid()}"
    await mcp_site.add_command(name, server.entry)
    return Connected(mcp_site, server, name)


async def test_its_tools_are_listed_and_called_fifty_at_once_and_wrong_arguments_are_told(connected: Connected) -> None:
    assert connected.server.result in await connected.call()
    assert all(connected.server.result in each for each in await asyncio.gather(*[connected.call() for _ in range(50)]))

    tool, arguments, refusal = connected.server.refused
    with pytest.raises(ToolFailed, match=refusal):
        await connected.site.call(f"{connected.name}__{tool.replace('-', '_')}", **arguments)
    with pytest.raises(InvalidArguments):
        await connected.site.call(f"{connected.name}__{tool.replace('-', '_')}", **{each: [1] for each in arguments})
    assert connected.server.result in await connected.call()


async def test_a_call_that_hangs_ends_in_time_and_one_that_is_cancelled_at_once_and_the_server_goes_on(
    connected: Connected,
) -> None:
    tool = registered_tools()[connected.tool]
    connected.signal(signal.SIGSTOP)

    _, error, took_s = await call_tool(tool, connected.server.arguments, timeout_s=0.3)
    calling = asyncio.create_task(connected.call())
    await under_way(connected.site, connected.name)
    calling.cancel()
    done, _ = await asyncio.wait([calling], timeout=5)

    assert error is not None and error.code == "outcome_unknown" and took_s < 5
    assert done and calling.cancelled()
    connected.signal(signal.SIGCONT)
    assert connected.server.result in await connected.call()


async def test_one_that_is_killed_in_a_call_leaves_the_outcome_unknown_and_is_started_again(
    connected: Connected,
) -> None:
    connected.signal(signal.SIGSTOP)
    calling = asyncio.create_task(connected.call())
    await under_way(connected.site, connected.name)

    connected.signal(signal.SIGKILL)

    with pytest.raises(OutcomeUnknown, match="It ended by signal 9"):
        await calling
    assert connected.server.result in await connected.call()


def test_a_site_that_is_killed_leaves_no_process_of_any_of_them(servers: dict[str, RealServer], tmp_path: Path) -> None:
    entries = {f"{name}_{os.getpid()}": server.entry for name, server in servers.items()}
    command = [sys.executable, "-c", ALL_OPEN, json.dumps(entries)]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "agentsite.settings", "AGENTSITE_DATA": str(tmp_path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as site:
        assert site.stdout.readline() == "ready\n"
        assert all(len(processes_of(name)) >= 2 for name in entries)
        site.send_signal(signal.SIGKILL)

    give_up_at = time.monotonic() + 10
    while any(processes_of(name) for name in entries):
        assert time.monotonic() < give_up_at, {name: processes_of(name) for name in entries}
        time.sleep(0.05)


async def under_way(site: McpSite, name: str) -> None:
    """Return once a call has been sent."""
    from runs.models import ToolSource

    connection = await site.connection(await ToolSource.objects.aget(name=name))

    async def is_sent() -> bool:
        return connection.live is not None and connection.live.in_flight > 0

    await site.until(is_sent)
