"""A sign-in at an authorization server of others: its pages in the browser, its tokens in runs."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.async_api import Page, expect

from tests.journeys.conftest import launch, wait_for_status
from tests.live_site import LiveSite
from tests.wire import Answer, Hang, WireServer

pytestmark = pytest.mark.browser
SERVER = Path(__file__).parents[1] / "engine" / "mcp" / "authlib_server.py"
GIVE = """
from runs.models import Agent
Agent.objects.update(model_names=["local/m1"], tools=["shop__add"], approval="never")
"""
ADDS = [Answer("", calls=[("shop__add", {"a": number, "b": 1})]) for number in range(3)]


@dataclass
class ForeignServer:
    """The authorization server, with the MCP server behind it."""

    origin: str

    def control(self, **how: Any) -> dict[str, Any]:
        """Change how it behaves. Returns what it saw."""
        return dict(httpx2.post(f"{self.origin}/control", data={"how": json.dumps(how)}).json())


@pytest.fixture
def foreign() -> Iterator[ForeignServer]:
    """The server."""
    with subprocess.Popen([sys.executable, str(SERVER)], stdout=subprocess.PIPE, text=True) as process:
        yield ForeignServer(f"http://localhost:{process.stdout.readline().strip()}")
        process.terminate()


@pytest.fixture
def site(start_wired: Callable[..., LiveSite], foreign: ForeignServer) -> LiveSite:
    """A site that may reach it."""
    site = start_wired(AGENTSITE_MCP_HOSTS=json.dumps({foreign.origin: {}}))
    site.create_user("root", staff=True, superuser=True)
    return site


async def sign_in_there(page: Page, foreign: ForeignServer, *, button: str = "Agree") -> str:
    """Follow the link, and agree on the foreign page. Returns what that asks for."""
    await page.get_by_role("link", name=f"Go on to {foreign.origin.removeprefix('http://')}").click()
    await expect(page.get_by_role("heading", name="Sign in elsewhere")).to_be_visible()
    asked = await page.locator("form p").inner_text()
    await page.get_by_label("Your name").fill("Ada")
    await page.get_by_role("button", name=button).click()
    return asked


async def add_shop(page: Page, foreign: ForeignServer) -> None:
    """Add the MCP server, and begin to sign in there for everybody."""
    await page.goto("/tools/servers/")
    await page.get_by_label("Name").fill("shop")
    await page.get_by_label("Address").fill(f"{foreign.origin}/mcp")
    await page.get_by_role("button", name="Add and connect").click()
    await page.get_by_role("button", name="Sign in for everybody").click()


async def turn_on_its_tool(page: Page, site: LiveSite) -> None:
    """List the tools of the server, and let runs use one."""
    await expect(page.get_by_text("You are signed in at shop.")).to_be_visible()
    await page.get_by_role("button", name="Connect and list").click()
    await page.get_by_role("button", name="Turn on shop__add").click()
    await expect(page.get_by_role("button", name="Turn off shop__add")).to_be_visible()
    site.ask(GIVE)


async def test_a_person_signs_in_there_runs_renew_its_tokens_want_more_of_it_and_signing_out_revokes_them(
    site: LiveSite, foreign: ForeignServer, wire_server: WireServer, open_page: Callable[..., Any]
) -> None:
    page = await open_page(site, session=site.session_of("root"), elsewhere=foreign.origin)
    await add_shop(page, foreign)
    await sign_in_there(page, foreign, button="Refuse")
    await expect(page.get_by_text("The authorization server refused: access_denied")).to_be_visible()

    foreign.control(life_s=1)
    await page.get_by_role("button", name="Sign in for everybody").click()
    assert await sign_in_there(page, foreign) == "Agentsite wants: tools"
    await turn_on_its_tool(page, site)
    wire_server.script(*ADDS, Answer("All are added."))
    before = foreign.control()["refreshed"]
    await launch(page, "Add them.")
    await wait_for_status(page, "completed")
    assert foreign.control()["refreshed"] >= before + 3

    foreign.control(wants_scope="tools:write", life_s=3600)
    wire_server.script(ADDS[0], Answer("It is added."))
    await launch(page, "Add one more.")
    await wait_for_status(page, "waiting")
    await page.locator("#stage").get_by_role("link", name="Sign in").click()
    await page.get_by_role("button", name="Begin the sign-in").click()
    assert await sign_in_there(page, foreign) == "Agentsite wants: tools tools:write"
    await wait_for_status(page, "completed")

    await page.goto("/tools/servers/shop/sign-in/")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_text("Signed out of shop.")).to_be_visible()
    seen = foreign.control()
    assert seen["revoked"] >= 1
    assert [scope for _, scope in seen["signed_in"]] == ["tools", "tools", "tools tools:write"]


async def test_a_run_whose_tokens_are_revoked_there_between_two_calls_waits_for_a_new_sign_in_and_goes_on(
    site: LiveSite, foreign: ForeignServer, wire_server: WireServer, open_page: Callable[..., Any]
) -> None:
    page = await open_page(site, session=site.session_of("root"), elsewhere=foreign.origin)
    await add_shop(page, foreign)
    await sign_in_there(page, foreign)
    await turn_on_its_tool(page, site)
    wire_server.script(ADDS[1], Hang(answer=ADDS[2]), Answer("Both are added."))

    await launch(page, "Add them.")
    await asyncio.to_thread(wire_server.wait_for_requests, 2)
    foreign.control(revokes_all=True)
    wire_server.release()

    await wait_for_status(page, "waiting")
    await expect(page.locator("#stage")).to_contain_text("shop wants a sign-in")
    await page.locator("#stage").get_by_role("link", name="Sign in").click()
    await page.get_by_role("button", name="Begin the sign-in").click()
    await sign_in_there(page, foreign)
    await wait_for_status(page, "completed")
    await expect(page.locator("[data-answer]")).to_contain_text("Both are added.")
    results = [
        json.loads(each["content"]) for each in wire_server.requests[-1].body["messages"] if each["role"] == "tool"
    ]
    assert results == [2, 3]
