"""Back after a sign-out shows nothing; before it, the page and its typed text."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.conftest import CHROMIUM
from tests.journeys.conftest import CHROMIUM_FLAGS
from tests.live_site import LiveSite

pytestmark = pytest.mark.browser

TASK = "What is 17 * 23?"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Chromium with its back-forward cache, which Playwright switches off."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=CHROMIUM_FLAGS, ignore_default_args=["--disable-back-forward-cache"]
        )
        yield browser
        await browser.close()


async def back(page: Page) -> None:
    """Press Back. A page from the back-forward cache does not load, so there is no load event to wait for."""
    await page.evaluate("window.wasHere = true")
    await page.go_back(wait_until="commit")
    await page.wait_for_function("!window.wasHere && document.readyState === 'complete'")


async def test_the_back_forward_cache_is_on_in_these_tests(site: LiveSite, browser: Browser) -> None:
    async with await browser.new_context() as context:
        page = await context.new_page()
        await page.goto(f"{site.url}/static/app.css")
        await page.evaluate("window.isKept = true")
        await page.goto(f"{site.url}/healthz")

        await page.go_back(wait_until="commit")

        await page.wait_for_function("window.isKept === true")


@pytest.mark.parametrize("path", ["/", "/runs/", "/runs/new/", "/settings/tokens/", "/run/"])
async def test_after_signing_out_back_leads_to_the_sign_in_page(site: LiveSite, page: Page, path: str) -> None:
    if path == "/run/":
        path = await launch(page, site)
    await page.goto(site.url + path)
    await expect(page.get_by_label("Account: ada")).to_be_attached()
    await sign_out(page)

    await back(page)

    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert TASK not in await page.content()


async def test_what_was_typed_is_there_again_on_back(site: LiveSite, page: Page) -> None:
    await page.goto(f"{site.url}/runs/new/")
    await page.get_by_role("textbox", name="Task").fill("a text of some length")
    await page.goto(f"{site.url}/runs/")

    await back(page)

    await expect(page.get_by_role("textbox", name="Task")).to_have_value("a text of some length")


async def test_a_live_page_is_live_again_on_back(site: LiveSite, page: Page) -> None:
    await page.goto(site.url)
    await page.goto(f"{site.url}/runs/")

    async with page.expect_websocket() as reconnected:
        await back(page)

    assert "/ws/dashboard/" in (await reconnected.value).url


async def launch(page: Page, site: LiveSite) -> str:
    """Launch a run; returns the path of its page."""
    await page.goto(f"{site.url}/runs/new/")
    await page.get_by_role("textbox", name="Task").fill(TASK)
    await page.get_by_role("button", name="Launch").click()
    await page.wait_for_url("**/runs/*-*/")
    return "/" + page.url.split("/", 3)[3]


async def sign_out(page: Page) -> None:
    """Press the button of the account menu."""
    await page.evaluate("document.querySelector('form[action=\"/accounts/logout/\"]').requestSubmit()")
    await page.wait_for_url("**/accounts/login/**")
