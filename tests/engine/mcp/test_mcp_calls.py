"""Calls of MCP tools: in both eras of the protocol, over both transports, and when they go wrong."""

import asyncio
import json
import os
from typing import Any

import pytest

from runs.agent.errors.exceptions import InvalidArguments, OutcomeUnknown, ToolFailed, ToolUnavailable
from runs.agent.tools.call_attempt import call_tool
from runs.agent.tools.registry import registered_tools
from runs.engine.mcp import connection as connections
from runs.models import ToolSource
from tests.engine.mcp.mcp_fixtures import McpSite

MODERN, LEGACY = "2026-07-28", "2025-11-25"


@pytest.mark.parametrize(
    ("transport", "protocol"),
    [("stdio", MODERN), ("legacy", LEGACY), ("http", MODERN)],
    ids=["stdio", "legacy", "http"],
)
async def test_tools_are_listed_called_and_refused(
    mcp_site: McpSite, http_server: str, transport: str, protocol: str
) -> None:
    args = ["--legacy"] if transport == "legacy" else []
    source = await mcp_site.add("test", *args, url=http_server if transport == "http" else "")

    row = await mcp_site.row(source)
    assert (row.state, row.facts["protocol"], row.facts["name"]) == ("connected", protocol, "test server")
    assert await mcp_site.call("test__add", a=2, b=3) == "5"
    with pytest.raises(ToolFailed, match=r"^No\.$"):
        await mcp_site.call("test__refuse", text="No.")
    with pytest.raises(InvalidArguments, match="is not known here"):
        await mcp_site.call("test__add", a=2, c=3)
    many = await asyncio.gather(*[mcp_site.call("test__echo", text=str(n)) for n in range(50)])
    assert many == [str(n) for n in range(50)]


@pytest.mark.parametrize("transport", ["stdio", "http"])
async def test_a_call_that_is_stopped_is_cancelled_at_its_server(
    mcp_site: McpSite, http_server: str, transport: str
) -> None:
    await mcp_site.add("test", url=http_server if transport == "http" else "")
    before = json.loads(await mcp_site.call("test__lists"))["cancelled"]

    _, error, took_s = await call_tool(registered_tools()["test__sleep"], {"seconds": 60}, timeout_s=0.3)

    assert error is not None and error.code == "outcome_unknown"
    assert took_s < 5

    async def is_cancelled() -> bool:
        return bool(json.loads(await mcp_site.call("test__lists"))["cancelled"] > before)

    await mcp_site.until(is_cancelled)


async def test_a_server_that_dies_during_a_call_leaves_its_outcome_unknown_and_is_started_again(
    mcp_site: McpSite,
) -> None:
    source = await mcp_site.add("test")

    with pytest.raises(OutcomeUnknown, match="It ended with exit code 7"):
        await mcp_site.call("test__die")
    assert await mcp_site.call("test__add", a=1, b=1) == "2"

    row = await mcp_site.row(source)
    assert row.state == "connected"
    assert row.last_error == "It ended with exit code 7."
    await mcp_site.says_effect("test__die", "read")
    with pytest.raises(ToolUnavailable, match="broke during the call"):
        await mcp_site.call("test__die")


async def test_a_server_that_cannot_be_started_says_why_and_is_not_tried_without_end(mcp_site: McpSite) -> None:
    entry = {"command": "sh", "args": ["-c", "echo No key is set. >&2; exit 3"]}
    source = await mcp_site.add_command("test", entry, turned_on=False)

    for _ in range(3):
        with pytest.raises(ToolUnavailable, match="It ended with exit code 3"):
            await mcp_site.check(source)

    row = await mcp_site.row(source)
    assert (row.state, row.last_error) == ("failed", "It ended with exit code 3.")
    assert "No key is set." in row.log
    connection = await mcp_site.connection(source)
    connection._not_before += 60
    with pytest.raises(ToolUnavailable, match="The next try is in"):
        await connection.connected()


async def test_an_http_server_that_is_not_there_or_may_not_be_reached_is_a_call_that_was_not_made(
    mcp_site: McpSite,
) -> None:
    closed = await mcp_site.add("closed", url="http://127.0.0.1:1/mcp", turned_on=False)
    with pytest.raises(ToolUnavailable, match="No connection could be made"):
        await mcp_site.check(closed)

    mcp_site.settings.AGENTSITE_MCP_HOSTS = []
    inside = ToolSource(name="inside", kind="mcp", options={"transport": "http", "url": "http://127.0.0.1:80/mcp"})
    inside.state_since = inside.added_at = closed.added_at
    await inside.asave()
    with pytest.raises(ToolUnavailable, match="not on the public internet"):
        await mcp_site.check(inside)


async def test_a_connection_without_calls_is_closed_and_opened_by_the_next(
    mcp_site: McpSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "IDLE_S", 0.2)
    monkeypatch.setattr(connections, "TICK_S", 0.05)
    source = await mcp_site.add("test")

    async def is_idle() -> bool:
        return (await mcp_site.row(source)).state == "idle"

    await mcp_site.until(is_idle)
    assert await mcp_site.call("test__add", a=1, b=1) == "2"


async def test_a_picture_is_a_file_of_the_run_and_more_time_is_given(mcp_site: McpSite) -> None:
    await mcp_site.add("test")

    with pytest.raises(ToolFailed, match="Files can be made in a run only"):
        await mcp_site.call("test__picture")
    assert await mcp_site.call("test__wait", rounds=2) == "ready"


async def test_a_server_gets_the_variables_that_the_settings_name_and_no_others(
    mcp_site: McpSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "of-the-shop-and-nobody-else")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-for-this-server")
    await mcp_site.add("test", env=["TOOLS_FILE", "SHOP_TOKEN"])

    given: dict[str, Any] = json.loads(await mcp_site.call("test__variables"))

    assert given["SHOP_TOKEN"] == os.environ["SHOP_TOKEN"]
    assert not given.keys() & {"OPENAI_API_KEY", "AGENTSITE_DATA", "DJANGO_SETTINGS_MODULE"}


async def test_an_integer_too_long_to_be_written_is_refused_before_the_server_is_called(mcp_site: McpSite) -> None:
    await mcp_site.add("test")

    with pytest.raises(InvalidArguments, match="a: is a whole number of more than 4,300 digits"):
        await mcp_site.call("test__add", a=10**4300, b=1)
