"""The language in a browser: chosen with and without JavaScript, on live pages, and by scripts."""

import re
from typing import Any

import pytest
from playwright.async_api import expect

from tests.journeys.conftest import launch, wait_for_status
from tests.journeys.page_faults import SCREENS, faults_of
from tests.live_site import LiveSite

pytestmark = pytest.mark.browser


async def test_the_language_is_chosen_without_javascript_before_the_sign_in(
    shared_site: LiveSite, open_page: Any
) -> None:
    page = await open_page(shared_site, java_script_enabled=False)
    await page.goto("/accounts/login/?next=/runs/")

    await page.get_by_role("button", name="Deutsch").click()

    await expect(page.get_by_role("heading", name="Anmelden")).to_be_visible()
    assert page.url.endswith("/accounts/login/?next=/runs/")


async def test_a_run_is_followed_in_the_chosen_language(shared_site: LiveSite, session: str, open_page: Any) -> None:
    page = await open_page(shared_site, session=session)
    await page.goto("/")
    await page.locator(".side-account > summary").click()
    await page.locator("#language-side-de").click()
    await expect(page.locator("html")).to_have_attribute("lang", "de")

    await launch(page, "What is 17 * 23 and what is 2**10?")
    await wait_for_status(page, "completed")

    await expect(page.locator("#run-state .pill")).to_contain_text("Abgeschlossen")
    await expect(page.locator("#stage")).to_contain_text("Antwort")
    await page.goto("/runs/")
    await expect(page.locator("[data-connection-text]")).to_have_text("Live")
    await expect(page.locator("time[data-ago]").first).to_have_text(re.compile(r"^(?:jetzt|vor \d+ s)$"))
    assert await page.evaluate("document.querySelector('[data-skip-empty] input[type=search]')?.placeholder") == (
        "Aufgabe, Antwort, Fehler oder Schritt …"
    )


async def test_a_page_without_a_chosen_language_has_that_of_the_browser_and_its_region(
    shared_site: LiveSite, session: str, open_page: Any
) -> None:
    page = await open_page(shared_site, session=session, locale="zh-CN")
    await page.goto("/settings/tokens/")

    await expect(page.get_by_role("heading", name="API 令牌")).to_be_visible()
    words = await page.evaluate(
        """async () => {
            const loaded = performance.getEntriesByType("resource").map((each) => each.name);
            const module = loaded.find((name) => /\\/words\\.[^/]*js$/.test(name));
            const { gettext, ngettext, number, LOCALE } = await import(module);
            const waiting = ngettext("%(count)s waiting", "%(count)s waiting", 1234);
            return [gettext("Copied."), waiting, number(0.5, 1), LOCALE];
        }"""
    )
    assert words == ["已复制。", "1,234 个待处理", "0.5", "zh-CN"]


@pytest.mark.parametrize("screen", SCREENS)
async def test_german_fits_the_frame_of_the_site(
    shared_site: LiveSite, session: str, open_page: Any, screen: str
) -> None:
    page = await open_page(shared_site, session=session, locale="de-DE", **SCREENS[screen])
    await page.goto("/runs/")
    await page.locator("summary.tab" if screen == "phone" else ".side-account > summary").click()

    assert await faults_of(page, screen) == []


async def test_nothing_is_cut_off_when_a_page_is_read_from_right_to_left(
    shared_site: LiveSite, session: str, open_page: Any
) -> None:
    page = await open_page(shared_site, session=session, viewport={"width": 390, "height": 844})
    for address in ("/", "/runs/", "/runs/new/", "/inbox/"):
        await page.goto(address)
        await page.evaluate("document.documentElement.dir = 'rtl'")

        assert await page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), (
            address
        )
