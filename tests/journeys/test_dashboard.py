"""A person leaves the dashboard open."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.journeys.conftest import launch, wait_for_status
from tests.live_site import LiveSite

pytestmark = pytest.mark.browser


@pytest.fixture
def site(live_site: LiveSite) -> LiveSite:
    """A site and its one user, ada."""
    live_site.create_user("ada")
    return live_site


async def scripts_of(page: Page) -> list[str]:
    """The paths of all scripts the page has loaded, with `#` for a hash."""
    addresses = await page.evaluate("""() =>
        performance.getEntriesByType("resource").map(({name}) => new URL(name).pathname).filter(p => p.endsWith(".js"))
    """)
    return [re.sub(r"\.[0-9a-f]{12}\.js$", ".#.js", address) for address in addresses]


async def test_it_says_since_when_it_is_cut_off_and_is_live_again_by_itself(site, open_page):
    page = await open_page(site, session=site.session_of("ada"))
    await page.goto("/")
    pill = page.locator("[data-connection]")
    await expect(pill).to_have_attribute("data-connection", "live")

    site.stop()
    await expect(pill).to_have_attribute("data-connection", "offline")
    await expect(pill).to_have_text(re.compile(r"offline since \d+:\d\d"))
    site.start()

    await expect(pill).to_have_attribute("data-connection", "live")
    await expect(pill).to_have_text("live")


@pytest.mark.parametrize("address", ["/", "/inbox/"])
async def test_it_does_not_say_that_it_is_not_live_before_that_is_known(site, open_page, address):
    page = await open_page(site, session=site.session_of("ada"))
    await page.add_init_script(NOTE_THE_START)
    pill = page.locator("[data-connection]")

    await page.goto(address)
    await expect(pill).to_have_text("live")
    assert await page.evaluate("window.saidAtTheStart") is False

    await page.route_web_socket("**/ws/**", lambda socket: socket.close())
    await page.reload()
    await expect(pill).to_have_text(re.compile("offline since"))
    assert await pill.is_visible()


async def test_without_scripts_it_says_that_it_is_not_live(site, open_page):
    page = await open_page(site, session=site.session_of("ada"), java_script_enabled=False)
    await page.goto("/")

    await expect(page.get_by_text("not live")).to_be_visible()


NOTE_THE_START = """
    addEventListener("DOMContentLoaded", () => {
        const pill = document.querySelector("[data-connection]");
        window.saidAtTheStart = pill.checkVisibility({visibilityProperty: true});
    });
"""


async def test_it_says_that_somebody_signed_out_elsewhere(site, open_page):
    page = await open_page(site, session=site.session_of("ada"))
    await page.goto("/")
    await expect(page.locator("[data-connection]")).to_have_attribute("data-connection", "live")

    elsewhere = await page.context.new_page()
    await elsewhere.goto("/")
    await elsewhere.locator("[data-menu] summary").last.click()
    await elsewhere.locator('form[action*="logout"] button').click()

    await expect(page.locator("[data-connection]")).to_have_text("signed out · Reload")


async def test_every_script_comes_once_and_under_its_hashed_name(site, open_page):
    page = await open_page(site, session=site.session_of("ada"))
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
