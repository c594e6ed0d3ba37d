"""A person works through the list of runs, with the keyboard and on a phone."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.journeys.axe import violations_of
from tests.journeys.conftest import launch, wait_for_status
from tests.journeys.page_faults import PHONE
from tests.live_site import LiveSite

pytestmark = pytest.mark.browser

DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 860}}


async def launched(page: Page, *tasks: str) -> None:
    for task in tasks:
        await launch(page, task)
        await wait_for_status(page, "completed")


def rows(page: Page) -> Any:
    return page.locator("[data-run-row]")


async def test_runs_are_chosen_and_repeated_with_the_keyboard_alone(
    shared_site: LiveSite, session: str, open_page: Any
) -> None:
    page = await open_page(shared_site, session=session, **DESKTOP)
    await launched(page, "half of 90", "half of 80", "half of 70")
    await page.goto("/runs/")
    await expect(page.locator("[data-connection]")).to_have_text("Live")

    await page.keyboard.press("j")
    await page.keyboard.press("x")
    await page.keyboard.press("j")
    await page.keyboard.press("Shift+X")
    await expect(page.locator("[data-selected-count]")).to_have_text("2 selected")
    await expect(page.locator("[data-bulk-note]")).to_have_text("All have ended.")
    await expect(page.locator('[data-bulk="stop"]')).to_be_disabled()
    export = await page.locator('[data-export="csv"]').get_attribute("href") or ""
    assert export.count("run=") == 2
    assert await violations_of(page) == []
    await page.locator('[data-bulk="again"]').press("Enter")

    await expect(page.locator(".toast")).to_contain_text("2 runs launched.")
    await expect(rows(page)).to_have_count(5)
    await page.keyboard.press("f")
    await expect(page.locator("#id_q")).to_be_focused()


async def test_a_row_changes_in_its_place_while_somebody_looks_at_it(
    shared_site: LiveSite, session: str, open_page: Any
) -> None:
    page = await open_page(shared_site, session=session, **DESKTOP)
    run_id = await launch(page, "What is 17 * 23?", approval="always")
    await wait_for_status(page, "waiting")
    await page.goto("/runs/")
    row = page.locator(f'[data-run-row="{run_id}"]')
    await expect(row).to_have_attribute("data-status", "waiting")
    await expect(row.locator(".run-outcome")).to_contain_text("wants to run")
    await expect(page.locator("[data-connection]")).to_have_text("Live")

    elsewhere = await page.context.new_page()
    await elsewhere.goto(f"/runs/{run_id}/")
    await elsewhere.get_by_role("button", name="Approve", exact=True).click()
    await wait_for_status(elsewhere, "completed")

    await expect(row).to_have_attribute("data-status", "completed")
    await expect(row.locator(".run-outcome")).to_contain_text("391")


async def test_on_a_phone_a_run_is_two_lines_and_the_filters_stay_in_reach(
    shared_site: LiveSite, session: str, open_page: Any
) -> None:
    page = await open_page(shared_site, session=session, **PHONE)
    await launched(page, "half of 90")
    await page.goto("/runs/")

    box = await rows(page).first.bounding_box()
    assert box is not None
    assert 44 <= box["height"] <= 76
    await page.locator(".filter-chip summary").first.click()
    await page.check('[name=status][value="failed"]')
    await page.wait_for_url("**/runs/?status=failed")
    await expect(page.get_by_text("No runs match")).to_be_visible()
    assert not await page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    assert await violations_of(page) == []


async def test_without_scripts_runs_are_filtered_and_stopped(
    shared_site: LiveSite, session: str, open_page: Any
) -> None:
    with_scripts = await open_page(shared_site, session=session)
    run_id = await launch(with_scripts, "What is 17 * 23?", approval="always")
    await wait_for_status(with_scripts, "waiting")
    page = await open_page(shared_site, session=session, java_script_enabled=False, **DESKTOP)

    await page.goto("/runs/?status=waiting")
    await page.check(f'input[value="{run_id}"]')
    await page.locator('[data-bulk="stop"]').click()

    await page.wait_for_url("**/runs/?status=waiting")
    await expect(page.locator(".toast")).to_contain_text("1 stopped.")
    await expect(rows(page)).to_have_count(0)


async def test_an_example_runs_on_a_click_and_fills_the_first_page(
    shared_site: LiveSite, session: str, open_page: Any
) -> None:
    page = await open_page(shared_site, session=session, **DESKTOP)
    await page.goto("/")
    assert await violations_of(page) == []

    await page.get_by_role("button", name="Two sums at once").click()
    await wait_for_status(page, "completed")
    await page.goto("/")

    await expect(page.locator('[data-run-list="finished"] [data-run-row]')).to_have_count(1)
    await expect(page.locator(".tile").first).to_contain_text("Runs, 24 h")
    await expect(page.get_by_role("heading", name="Running")).to_be_hidden()
    assert await violations_of(page) == []
