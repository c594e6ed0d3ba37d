"""A user leaves the dashboard open."""

import asyncio
import re

import pytest
from playwright.async_api import Page, WebSocketRoute, expect

from runs.live.sockets.close_codes import TOO_FAST
from tests.journeys.conftest import launch, wait_for_status

pytestmark = pytest.mark.browser


async def scripts_of(page: Page) -> list[str]:
    """The paths of all scripts the page has loaded, with `#` for a hash."""
    addresses = await page.evaluate("""() =>
        performance.getEntriesByType("resource").map(({name}) => new URL(name).pathname).filter(p => p.endsWith(".js"))
    """)
    return [re.sub(r"\.[0-9a-f]{12}\.js$", ".#.js", address) for address in addresses]


async def test_it_says_since_when_it_is_cut_off_and_is_live_again_by_itself(shared_site, session, open_page):
    page = await open_page(shared_site, session=session)
    await page.goto("/")
    pill = page.locator("[data-connection]")
    await expect(pill).to_have_attribute("data-connection", "live")

    shared_site.stop()
    await expect(pill).to_have_attribute("data-connection", "offline")
    await expect(pill).to_have_text(re.compile(r"Offline since \d+:\d\d"))
    shared_site.start()

    await expect(pill).to_have_attribute("data-connection", "live")
    await expect(pill).to_have_text("Live")


@pytest.mark.parametrize("address", ["/", "/inbox/"])
async def test_it_does_not_say_that_it_is_not_live_before_that_is_known(shared_site, session, open_page, address):
    page = await open_page(shared_site, session=session)
    await page.add_init_script(NOTE_THE_START)
    pill = page.locator("[data-connection]")

    await page.goto(address)
    await expect(pill).to_have_text("Live")
    assert await page.evaluate("window.saidAtTheStart") is False

    await page.route_web_socket("**/ws/**", lambda socket: socket.close())
    await page.reload()
    await expect(pill).to_have_text(re.compile("Offline since"))
    assert await pill.is_visible()


async def test_a_page_that_asked_for_too_much_says_so_and_is_live_again_after_a_pause(shared_site, session, open_page):
    page = await open_page(shared_site, session=session)
    pill = page.locator("[data-connection]")
    sockets = []

    def close_first(socket: WebSocketRoute) -> None:
        sockets.append(socket)
        server = socket.connect_to_server()
        if len(sockets) == 1:
            server.on_message(lambda _: asyncio.ensure_future(socket.close(code=TOO_FAST)))

    await page.clock.install()
    await page.route_web_socket("**/ws/**", close_first)

    await page.goto("/")
    await expect(pill).to_contain_text("asked for too much at once")
    await page.clock.run_for(9_000)
    assert len(sockets) == 1

    await page.clock.run_for(12_000)
    await expect(pill).to_have_text("Live")


async def test_without_scripts_it_says_that_it_is_not_live(shared_site, session, open_page):
    page = await open_page(shared_site, session=session, java_script_enabled=False)
    await page.goto("/")

    await expect(page.get_by_text("Not live")).to_be_visible()


NOTE_THE_START = """
    addEventListener("DOMContentLoaded", () => {
        const pill = document.querySelector("[data-connection]");
        window.saidAtTheStart = pill.checkVisibility({visibilityProperty: true});
    });
"""


async def test_it_says_that_somebody_signed_out_elsewhere(shared_site, session, open_page):
    page = await open_page(shared_site, session=session)
    await page.goto("/")
    await expect(page.locator("[data-connection]")).to_have_attribute("data-connection", "live")

    elsewhere = await page.context.new_page()
    await elsewhere.goto("/")
    await elsewhere.locator("[aria-label^=Account]").click()
    await elsewhere.get_by_role("button", name="Sign out").click()

    await expect(page.locator("[data-connection]")).to_have_text("Not live: signed out · Reload")


async def test_every_script_comes_once_and_under_its_hashed_name(shared_site, session, open_page):
    page = await open_page(shared_site, session=session)
    await launch(page, "What is 17 * 23?")
    await wait_for_status(page, "completed")
    of_a_run = await scripts_of(page)
    await page.goto("/")
    await expect(page.locator("[data-connection]")).to_have_attribute("data-connection", "live")
    of_the_dashboard = await scripts_of(page)

    for scripts in (of_a_run, of_the_dashboard):
        assert "/static/live/connection.#.js" in scripts
        assert [script for script in scripts if not script.endswith(".#.js")] == []
        assert len(scripts) == len(set(scripts))
