"""The versions of an agent in a browser: saved, listed, compared, restored; with scripts and without."""

from typing import Any

import pytest
from playwright.async_api import expect

from tests.journeys.test_every_page import PHONE, faults_of
from tests.live_site import LiveSite

pytestmark = pytest.mark.browser

SCREENS: dict[str, dict[str, Any]] = {
    "desk": {"viewport": {"width": 1280, "height": 860}},
    "phone": PHONE,
    "without scripts": {"viewport": {"width": 1280, "height": 860}, "java_script_enabled": False},
}


@pytest.mark.parametrize("screen", SCREENS)
async def test_a_change_is_a_version_that_is_compared_and_taken_back(
    live_site: LiveSite, open_page, screen: str
) -> None:
    live_site.create_user("root", staff=True, superuser=True)
    page = await open_page(live_site, session=live_site.session_of("root"), **SCREENS[screen])
    looks = screen != "without scripts"
    faults: list[str] = []

    await page.goto("/agents/")
    await page.get_by_role("link", name="Assistant").click()
    await page.get_by_role("link", name="Edit").click()
    await page.get_by_role("textbox", name="Instructions").fill("Solve the task.\nAsk twice before you pay.")
    await page.get_by_label("What has changed").fill("Careful with money")
    await page.locator(".agent-save [value=save]").click()
    await expect(page.get_by_text("Careful with money")).to_be_visible()
    faults += await faults_of(page, screen) if looks else []

    await page.get_by_role("link", name="All versions").click()
    await expect(page.get_by_role("link", name="Version 2", exact=True)).to_be_visible()
    faults += await faults_of(page, screen) if looks else []
    await page.get_by_role("link", name="Changes of version 2").click()
    await expect(page.locator("[data-setting=instructions]").get_by_text("Ask twice before you pay.")).to_be_visible()
    faults += await faults_of(page, screen) if looks else []

    await page.get_by_role("link", name="Version 1", exact=True).click()
    await expect(page.get_by_role("heading", name="Version 1")).to_be_visible()
    faults += await faults_of(page, screen) if looks else []
    await page.get_by_role("button", name="Restore version 1").click()

    await expect(page.get_by_text("Version 1 was restored, as version 3.")).to_be_visible()
    await expect(page.get_by_text("Restored from version 1")).to_be_visible()
    assert faults == []
