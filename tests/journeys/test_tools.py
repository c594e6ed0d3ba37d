"""The tools page at a desk and on a phone: from the side bar to the result of a trial."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.async_api import expect

from tests.journeys.conftest import launch, wait_for_status
from tests.journeys.page_faults import PHONE, faults_on_both
from tests.live_site import LiveSite

pytestmark = pytest.mark.browser
DESK = {"viewport": {"width": 1280, "height": 860}}


async def test_a_tool_that_a_run_called_is_found_read_and_tried(
    shared_site: LiveSite, root_session: str, open_page: Callable[..., Any]
) -> None:
    page = await open_page(shared_site, session=root_session, **PHONE)
    await launch(page, "What is 17 * 23?")
    await wait_for_status(page, "completed")
    await page.goto("/tools/")
    faults = await faults_on_both(page)

    await page.get_by_role("searchbox", name="Find a tool").fill("calcul")
    await expect(page.get_by_role("link", name="current_time")).to_have_count(0)
    row = page.locator(".tools-table tbody tr", has=page.get_by_role("link", name="calculator", exact=True))
    await row.locator("summary").click()
    await expect(row.locator(".tools-json")).to_contain_text('"expression"')
    faults += await faults_on_both(page)
    await page.get_by_role("link", name="calculator", exact=True).click()
    await page.wait_for_load_state()
    await expect(page.locator(".tool-calls li").first).to_contain_text("17 * 23")
    await page.fill("[name=trial-expression]", "2 ** 10")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("[data-trial=succeeded]")).to_contain_text("1024")
    faults += await faults_on_both(page)
    await page.fill("[name=trial-expression]", "2 **")
    await page.get_by_role("button", name="Call it").click()
    await expect(page.locator("[data-trial=failed]")).to_be_visible()
    faults += await faults_on_both(page)

    assert faults == []


async def test_a_tool_is_tried_without_javascript(
    shared_site: LiveSite, root_session: str, open_page: Callable[..., Any]
) -> None:
    page = await open_page(shared_site, session=root_session, java_script_enabled=False)
    await page.goto("/tools/text_stats/")

    await page.fill("[name=trial-text]", "one two")
    await page.get_by_role("button", name="Call it").click()

    await expect(page.locator("[data-trial=succeeded]")).to_contain_text("words")
