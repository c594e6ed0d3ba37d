"""Agents: created, launched, edited, duplicated, exported and imported, with scripts and without."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.journeys.conftest import wait_for_status
from tests.journeys.page_faults import PHONE, faults_of
from tests.live_site import LiveSite

pytestmark = pytest.mark.browser

OF_AN_AGENT = re.compile(r"/agents/\d+/$")
SCREENS: dict[str, dict[str, Any]] = {"desk": {"viewport": {"width": 1280, "height": 860}}, "phone": PHONE}


async def save(page: Page) -> None:
    """Press Save, and wait for the page of the agent."""
    await page.get_by_role("button", name="Save", exact=False).and_(page.locator(".agent-save [value=save]")).click()
    await page.wait_for_url(OF_AN_AGENT)


async def refused_without_a_name(page: Page, screen: str) -> list[str]:
    """The form comes back, with what was typed, and the cursor is where the error is. The findings of axe."""
    faults: list[str] = []
    await page.goto("/agents/")
    faults += await faults_of(page, screen)
    await page.get_by_role("link", name="New agent").click()
    faults += await faults_of(page, screen)
    await page.get_by_role("textbox", name="Instructions").fill("You work in a shop.")
    await page.get_by_label("Model 1", exact=True).fill("offline")
    await page.locator(".agent-save [value=launch]").click()
    await expect(page.get_by_text("Give the agent a name.")).to_be_visible()
    await expect(page.get_by_label("Name", exact=True)).to_be_focused()
    await expect(page.get_by_role("textbox", name="Instructions")).to_have_value("You work in a shop.")
    faults += await faults_of(page, screen)
    return faults


async def typed_into_the_editor(page: Page) -> None:
    """Make an agent that calculates out of a form that was refused: press Save & launch."""
    # A second model, moved to the top and taken away again: nothing is saved, nothing is lost.
    await page.get_by_label("Name", exact=True).fill("Clerk")
    await page.get_by_role("button", name="Add a model").click()
    await expect(page.get_by_label("Model 2", exact=True)).to_be_focused()
    await page.get_by_label("Model 2", exact=True).fill("local/m1")
    await page.get_by_role("button", name="Move model 2 up").click()
    await expect(page.get_by_label("Model 1", exact=True)).to_have_value("local/m1")
    await page.get_by_role("button", name="Remove model 1").click()
    await expect(page.get_by_label("Model 1", exact=True)).to_have_value("offline")
    await page.get_by_label("Only these").check()
    await page.get_by_role("checkbox", name="calculator").check()
    await expect(page.get_by_label("Only these")).to_be_checked()
    await page.get_by_label("Max turns").fill("7")


def change(file: Path) -> None:
    """The agent in the file has other limits, and another agent is beside it."""
    told = json.loads(file.read_text())
    told["agents"][0]["max_turns"] = 9
    told["agents"].append({"name": "From a file", "models": ["offline"]})
    file.write_text(json.dumps(told))


async def exported(page: Page, file: Path) -> None:
    """Export the agent of the page, change it in the file, and add another one."""
    await page.get_by_label("More about this agent").click()
    async with page.expect_download() as download:
        await page.get_by_role("link", name="Export", exact=True).click()
    await (await download.value).save_as(file)
    change(file)


async def previewed(page: Page, screen: str, file: Path) -> list[str]:
    """Show what an import of the file would change. The findings of axe."""
    await page.goto("/agents/import/")
    faults = await faults_of(page, screen)
    await page.set_input_files("#id_file", file)
    await page.get_by_role("button", name="Show what would change").click()
    await expect(page.get_by_role("heading", name="What the import changes")).to_be_visible()
    await expect(page.locator(".agent-planned").first).to_contain_text("max_turns")
    return faults + await faults_of(page, screen)


async def test_an_agent_is_made_launched_edited_copied_exported_and_imported(
    shared_site: LiveSite, root_session: str, open_page, tmp_path: Path
) -> None:
    """At a desk; on a phone, what leaves nothing is done too, the forms are filled in, and each page is looked at."""
    page, phone = [await open_page(shared_site, session=root_session, **SCREENS[each]) for each in ("desk", "phone")]
    both = (("phone", phone), ("desk", page))
    faults: list[str] = []

    for screen, each in both:
        faults += await refused_without_a_name(each, screen)
        await typed_into_the_editor(each)
        await each.locator(".agent-save [value=launch]").click(trial=each is phone)

    # Save & launch leads to the launch form, where the agent is chosen.
    await page.wait_for_url("**/runs/new/?agent=Clerk")
    await page.fill("[name=task]", "What is 17 * 23?")
    await page.press("[name=task]", "Control+Enter")
    await page.wait_for_url("**/runs/*-*-*-*-*/")
    await wait_for_status(page, "completed")

    for screen, each in both:
        await each.goto("/agents/")
        await each.get_by_role("link", name="Clerk").click()
        await expect(each.get_by_text("What is 17 * 23?")).to_be_visible()
        await expect(each.locator(".agent-figures").get_by_text("100 %")).to_be_visible()
        faults += await faults_of(each, screen)
        await each.get_by_role("link", name="Edit").click()
        await expect(each.get_by_label("Max turns")).to_have_value("7")
        await each.locator(".agent-save [value=save]").click(trial=True)
    await page.get_by_label("Description").fill("Looks things up")
    await save(page)
    await expect(page.get_by_text("Looks things up")).to_be_visible()

    await page.get_by_label("More about this agent").click()
    await page.get_by_role("link", name="Duplicate").click()
    await expect(page.get_by_label("Name", exact=True)).to_have_value("Copy of Clerk")
    await save(page)
    await expect(page.get_by_role("heading", name="Copy of Clerk")).to_be_visible()

    await exported(page, tmp_path / "agents.json")
    for screen, each in both:
        faults += await previewed(each, screen, tmp_path / "agents.json")
        await each.get_by_role("button", name="Import 2 agents").click(trial=each is phone)
    await expect(page.get_by_role("link", name="From a file")).to_be_visible()
    await phone.goto(page.url)
    for screen, each in both:
        await expect(each.get_by_text("9 turns")).to_have_count(1)
        faults += await faults_of(each, screen)

    assert faults == []


async def test_all_tools_are_ticked_and_fixed_while_all_are_chosen(
    shared_site: LiveSite, root_session: str, open_page
) -> None:
    page = await open_page(shared_site, session=root_session)
    await page.goto("/agents/new/")
    boxes = page.locator("[data-tool] [name=tools]")
    loose = page.locator("[data-tool] [name=tools]:is(:enabled, :not(:checked))")

    await expect(loose).to_have_count(0)
    await page.get_by_label("Only these").check()
    await expect(page.locator("[name=tools]:checked")).to_have_count(0)
    await page.get_by_role("checkbox", name="calculator").check()
    await page.get_by_label("All tools").check()
    await expect(loose).to_have_count(0)
    sent = await page.evaluate("new FormData(document.querySelector('[data-agent-form]')).getAll('tools')")
    await page.locator(".agent-save [value=save]").click()
    await expect(page.get_by_text("Give the agent a name.")).to_be_visible()
    await expect(loose).to_have_count(0)
    await page.get_by_label("Only these").check()

    assert sent == ["calculator"]
    assert await boxes.count() > 1
    await expect(page.locator("[name=tools]:checked")).to_have_count(1)
    await expect(page.get_by_role("checkbox", name="calculator")).to_be_checked()
    await page.get_by_label("No tools").check()
    await page.get_by_role("checkbox", name="calculator").uncheck()
    await expect(page.get_by_label("Only these")).to_be_checked()


async def test_an_agent_is_made_without_scripts(shared_site: LiveSite, root_session: str, open_page) -> None:
    page = await open_page(shared_site, session=root_session, java_script_enabled=False)

    await page.goto("/agents/new/")
    await page.get_by_role("button", name="Add a model").click()
    await page.get_by_label("Model 1", exact=True).fill("local/m1")
    await page.get_by_label("Model 2", exact=True).fill("offline")
    await page.get_by_role("button", name="Move model 2 up").click()
    await page.locator(".agent-save [value=save]").click()
    await expect(page.get_by_text("Give the agent a name.")).to_be_visible()
    await expect(page.get_by_label("Model 1", exact=True)).to_have_value("offline")
    await page.get_by_label("Name", exact=True).fill("Scribe")
    await page.keyboard.press("Enter")

    await page.wait_for_url(OF_AN_AGENT)
    await expect(page.get_by_role("heading", name="Scribe")).to_be_visible()


async def test_what_was_typed_is_kept_when_somebody_else_saves_meanwhile(
    shared_site: LiveSite, root_session: str, open_page
) -> None:
    mine, theirs = [await open_page(shared_site, session=root_session) for _ in range(2)]
    for page in (mine, theirs):
        await page.goto("/agents/")
        await page.get_by_role("link", name="Assistant").click()
        await page.get_by_role("link", name="Edit").click()
    await theirs.get_by_label("Description").fill("theirs")
    await save(theirs)

    await mine.get_by_label("Description").fill("mine")
    await mine.locator(".agent-save [value=save]").click()
    await expect(mine.get_by_text("Somebody else has saved this agent")).to_be_visible()
    faults = await faults_of(mine)
    await expect(mine.get_by_label("Description")).to_have_value("mine")
    await save(mine)

    await expect(mine.get_by_text("mine", exact=True)).to_be_visible()
    assert faults == []
