"""A draft of an agent in a browser: tried before it is saved, with the way back; with scripts and without."""

from typing import Any

import pytest
from playwright.async_api import expect

from tests.journeys.conftest import wait_for_status
from tests.journeys.page_faults import PHONE, faults_on_both
from tests.journeys.test_agent_versions import THREE_VERSIONS
from tests.live_site import LiveSite

pytestmark = pytest.mark.browser


WAYS: dict[str, dict[str, Any]] = {"with scripts": PHONE, "without scripts": {"java_script_enabled": False}}
NAMES = dict(zip(WAYS, ("Clerk", "Porter"), strict=True))
"""The agent of each test."""


@pytest.fixture(scope="module")
def site(shared_site: LiveSite) -> LiveSite:
    """The site of both tests, with an agent for each."""
    shared_site.ask(THREE_VERSIONS.format(names=[*NAMES.values()]))
    return shared_site


@pytest.mark.parametrize("how", WAYS)
async def test_a_draft_is_tried_corrected_from_its_run_and_saved(
    site: LiveSite, root_session: str, open_page, how: str
) -> None:
    page = await open_page(site, session=root_session, **WAYS[how])
    looks = how != "without scripts"
    faults: list[str] = []

    # Without a task nothing is tried, and nothing is lost.
    await page.goto("/agents/")
    await page.get_by_role("link", name=NAMES[how]).click()
    await page.get_by_role("link", name="Edit").click()
    await page.get_by_role("textbox", name="Instructions").fill("Be brief.")
    await page.get_by_label("Max turns").fill("9")
    await page.get_by_role("button", name="Run the draft").click()
    await expect(page.get_by_text("Type what the agent should do.")).to_be_visible()
    await expect(page.get_by_label("Max turns")).to_have_value("9")
    faults += await faults_on_both(page) if looks else []

    # Control+Enter in the task tries; elsewhere in the form it saves.
    await page.get_by_role("textbox", name="Task").fill("What is 17 * 23?")
    if looks:
        await page.get_by_role("textbox", name="Task").press("Control+Enter")
    else:
        await page.get_by_role("button", name="Run the draft").click()
    await page.wait_for_url("**/runs/*-*-*-*-*/")
    if looks:
        await wait_for_status(page, "completed")
    await expect(page.locator("[data-draft-base='3']")).to_contain_text("draft, based on version 3")
    faults += await faults_on_both(page) if looks else []

    # The agent is as it was; the run leads back to what was typed.
    await page.get_by_role("link", name="Back to the draft").click()
    await expect(page.get_by_text("Nothing of it is saved yet.")).to_be_visible()
    await expect(page.get_by_label("Max turns")).to_have_value("9")
    await expect(page.get_by_role("textbox", name="Instructions")).to_have_value("Be brief.")
    await expect(page.get_by_role("textbox", name="Task")).to_have_value("What is 17 * 23?")
    faults += await faults_on_both(page) if looks else []

    await page.get_by_label("What has changed").fill("Shorter answers")
    await page.locator(".agent-save [value=save]").click()
    await expect(page.get_by_text("Shorter answers")).to_be_visible()
    await page.goto(f"/runs/?version=draft&agent={NAMES[how]}")
    await expect(page.locator("[data-run-row]")).to_have_count(1)
    faults += await faults_on_both(page) if looks else []
    assert faults == []
