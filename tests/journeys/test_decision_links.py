"""A person decides by a link, on a desktop or on a phone, without a sign-in."""

from typing import Any

import pytest
from playwright.async_api import expect

from tests.journeys.conftest import launch, wait_for_status
from tests.journeys.page_faults import PHONE, faults_on_both
from tests.journeys.test_inbox import ALWAYS_ASKS
from tests.live_site import LiveSite

pytestmark = pytest.mark.browser

LINK = """
from runs.engine.control import decision_links
from runs.models import ToolCall
ToolCall.objects.update(effect="unsafe")
call = ToolCall.objects.select_related("run__user").get()
print(decision_links.path_of(decision_links.sign(call.run.user, call.run_id, call.pk)))
"""


async def test_a_call_is_approved_undone_and_denied_by_a_link_and_the_page_of_the_run_says_so(
    live_site: LiveSite, open_page: Any
) -> None:
    live_site.ask(ALWAYS_ASKS)
    live_site.create_user("ada")
    run = await open_page(live_site, session=live_site.session_of("ada"), **PHONE)
    await launch(run, "What is 17 * 23?")
    await wait_for_status(run, "waiting")
    path = live_site.ask(LINK).strip()
    page = await open_page(live_site, **PHONE)

    await page.goto(path)
    said = page.locator("[data-decided]")
    await expect(page.get_by_role("heading", level=1)).to_have_text("calculator wants to run")
    await expect(page.locator(".argument-whole")).to_have_text("17 * 23")
    assert await faults_on_both(page) == []
    await page.get_by_role("button", name="Approve").click()
    await expect(said).to_contain_text("Approved by ada by a link in a mail")
    await page.get_by_role("button", name="Undo").click()
    await page.get_by_text("Deny…").click()
    await page.get_by_label("Why? The agent will see this.").fill("Not today.")
    await page.get_by_role("button", name="Deny", exact=True).click()

    await expect(said).to_contain_text("Denied by ada by a link in a mail")
    await expect(said).to_contain_text("Not today.")
    assert await faults_on_both(page) == []
    assert await page.context.cookies() == [] or {each["name"] for each in await page.context.cookies()} == {
        "csrftoken"
    }
    await expect(run.locator("[data-step-kind=approval]").last).to_contain_text("by a link in a mail")
