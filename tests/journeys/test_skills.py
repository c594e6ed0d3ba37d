"""A skill from its upload to the step that read it, in a real browser against a real model server."""

import json

import pytest
from playwright.async_api import expect

from tests.agent.skills.skill_folders import skill_md, zip_of
from tests.journeys.conftest import wait_for_status
from tests.journeys.page_faults import PHONE, faults_on_both
from tests.wire import Answer

pytestmark = pytest.mark.browser

DESCRIPTION = "Check expense reports. Use it for <b>receipts</b>."
ZIP = zip_of(
    {
        "expense-report/SKILL.md": skill_md(description=DESCRIPTION, body="# Steps\n\nRead rates.md."),
        "expense-report/rates.md": "Kilometre: 0.30 €",
    }
)


async def test_a_skill_is_uploaded_given_to_an_agent_and_read_in_its_run(start_wired, wire_server, open_page):
    site = start_wired()
    site.create_user("root", staff=True, superuser=True)
    page = await open_page(site, session=site.session_of("root"), **PHONE)

    await page.goto("/skills/")
    await page.set_input_files("#id_upload", {"name": "x.zip", "mimeType": "application/zip", "buffer": b"no ZIP"})
    await page.get_by_role("button", name="Upload").click()
    await expect(page.get_by_role("alert")).to_contain_text("The file is damaged")
    assert await faults_on_both(page) == []
    await page.set_input_files("#id_upload", {"name": "x.zip", "mimeType": "application/zip", "buffer": ZIP})
    await page.get_by_role("button", name="Upload").click()
    await page.wait_for_url("**/skills/expense-report/")
    await expect(page.locator("main")).to_contain_text(DESCRIPTION)
    await page.get_by_role("link", name="rates.md").click()
    await expect(page.locator("pre")).to_have_text("Kilometre: 0.30 €")
    assert await faults_on_both(page) == []

    await page.goto("/agents/1/edit/")
    await page.get_by_role("checkbox", name="expense-report").check()
    assert await faults_on_both(page) == []
    await page.locator("button.button-primary[value=save]").click()
    await page.wait_for_url("**/agents/1/")
    await page.goto("/skills/")
    await expect(page.locator(".skill-list")).to_contain_text("Used by")
    assert await faults_on_both(page) == []

    wire_server.script(
        Answer("", calls=[("read_skill", {"name": "expense-report"})]),
        Answer("", calls=[("read_skill", {"name": "expense-report", "file": "rates.md"})]),
        Answer("0.30 €"),
    )
    await page.goto("/runs/new/")
    await page.fill("[name=task]", "What is the rate?")
    await page.locator(".launch-options > summary").click()
    await page.fill("[name=model]", "local/m1")
    await page.click("[data-launch]")
    await wait_for_status(page, "completed")

    first, second, third = (json.dumps(each.body, ensure_ascii=False) for each in wire_server.requests)
    assert "- expense-report: Check expense reports." in first
    assert "[Skill expense-report, SKILL.md]\\n# Steps" in second
    assert "[Skill expense-report, rates.md]\\nKilometre: 0.30 €" in third
    steps = page.locator("#steps")
    await expect(steps).to_contain_text("read_skill")
    await expect(steps).to_contain_text("expense-report")
    await expect(steps).to_contain_text("rates.md")
    assert await faults_on_both(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
