"""A page never says that it is live when it is not."""

import asyncio
import re

import pytest
from playwright.async_api import Page, WebSocketRoute, expect

from tests.journeys.conftest import MODEL, launch
from tests.wire.outcomes import Hang

pytestmark = pytest.mark.browser


async def launch_under_a_clock(page: Page) -> asyncio.Event:
    """Launch a run in a page whose clock is ours. Once the event is set, its server is silent on every open socket."""
    silence = asyncio.Event()

    def connect(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        server.on_message(lambda message: None if silence.is_set() else socket.send(message))

    await page.clock.install()
    await page.route_web_socket("**/ws/**", connect)
    await launch(page, "Wait", model=MODEL)
    await expect(page.locator("[data-connection]")).to_have_text("Live")
    return silence


async def test_a_server_that_falls_silent_is_noticed_in_five_seconds_and_no_clock_goes_on(page, wire_server):
    wire_server.script(Hang())
    silence = await launch_under_a_clock(page)
    pill, clock = page.locator("[data-connection]"), page.locator("time[data-elapsed]").first
    await page.clock.run_for(3_000)  # silent for so long, the page has asked, and was answered
    await expect(pill).to_have_text("Live")
    silence.set()

    await page.clock.run_for(5_000)
    await expect(pill).to_have_text("Checking…")
    assert (await pill.get_attribute("title") or "").startswith("As of ")
    stood = await clock.inner_text()
    await page.clock.run_for(7_000)
    await expect(pill).to_have_text(re.compile(r"Offline since \d+:\d\d"))
    assert await clock.inner_text() == stood

    silence.clear()
    await page.clock.run_for(31_000)
    await expect(pill).to_have_text("Live")
    await page.clock.run_for(1_000)
    assert await clock.inner_text() != stood


async def test_a_page_without_a_network_says_so_within_five_seconds(page, wire_server):
    wire_server.script(Hang())
    await launch(page, "Wait", model=MODEL)
    pill = page.locator("[data-connection]")
    await expect(pill).to_have_text("Live")

    await page.context.set_offline(True)
    await expect(pill).to_have_text(re.compile("Offline since"), timeout=5_000)
    assert await page.locator("html").get_attribute("data-stale") == ""

    await page.context.set_offline(False)
    await expect(pill).to_have_text("Live")
    assert await page.locator("html").get_attribute("data-stale") is None
