"""A person asks, asks further, and reads it as one conversation."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.journeys.conftest import launch, wait_for_status
from tests.journeys.page_faults import PHONE, faults_of, faults_on_both
from tests.live_site import LiveSite

pytestmark = pytest.mark.browser


def messages(page: Page) -> Any:
    return page.locator("[data-thread-run]")


async def say(page: Page, words: str) -> None:
    before = page.url
    await page.fill("[name=message]", words)
    await page.press("[name=message]", "Control+Enter")
    await page.wait_for_url(lambda url: url != before)


async def test_a_conversation_goes_on_in_its_thread_and_its_answers_come_in_without_a_reload(
    shared_site: LiveSite, session: str, open_page: Any
) -> None:
    page = await open_page(shared_site, session=session, **PHONE)
    await page.goto("/threads/")
    await expect(page.locator("main")).to_contain_text("Follow-ups turn a run into a thread.")
    assert await faults_on_both(page) == []
    first = await launch(page, "What is 17 * 23?")
    await wait_for_status(page, "completed")
    await page.goto(f"/threads/{first}/")

    await say(page, "add 10 to it")
    await expect(messages(page)).to_have_count(2)
    second = messages(page).last
    await expect(second.locator("[data-answer]")).to_contain_text("401")
    await expect(second).to_have_attribute("data-status", "completed")
    await expect(page.locator("[data-live]")).to_have_count(0)
    await expect(page.get_by_label("Follow up")).to_be_visible()
    await second.locator("summary").press("Enter")
    await expect(second.locator(".work-row[data-kind=tool_call]")).to_contain_text("391 + 10")
    assert await faults_on_both(page) == []

    await second.get_by_role("link", name="Open the run").click()
    place = page.locator("[data-thread-place]")
    await expect(place).to_contain_text("reply 2 of 2 in")
    await place.get_by_role("link", name="What is 17 * 23?", exact=True).click()
    await expect(messages(page)).to_have_count(2)
    await page.goto("/threads/")
    await expect(page.locator("[data-thread]")).to_contain_text("401")
    assert await faults_on_both(page) == []


async def test_a_follow_up_of_another_tab_comes_in_and_the_field_below_follows_it_up(
    shared_site: LiveSite, session: str, open_page: Any
) -> None:
    page = await open_page(shared_site, session=session)
    first = await launch(page, "What is 6 * 7?")
    await wait_for_status(page, "completed")
    await page.goto(f"/threads/{first}/")
    await page.fill("[name=message]", "double it")
    other = await page.context.new_page()
    await other.goto(f"/threads/{first}/")

    await say(other, "add 1 to it")

    await expect(messages(page)).to_have_count(2)
    await expect(messages(page).last.locator("[data-answer]")).to_contain_text("43")
    await expect(page.locator("[name=message]")).to_have_value("double it")
    await say(page, "double it")
    await expect(messages(page)).to_have_count(3)
    await expect(messages(page).last.locator("[data-answer]")).to_contain_text("86")


async def test_a_run_that_asks_is_decided_in_its_thread_and_shows_its_answer_there(
    shared_site: LiveSite, session: str, open_page: Any
) -> None:
    page = await open_page(shared_site, session=session)
    run_id = await launch(page, "What is 17 * 23?", approval="always")
    await wait_for_status(page, "waiting")
    await page.goto(f"/threads/{run_id}/")
    await expect(page.locator("[data-connection]")).to_have_text("Live")
    await expect(page.get_by_label("Follow up")).to_be_hidden()
    assert await faults_of(page) == []

    await page.get_by_role("button", name="Approve", exact=True).click()

    await expect(page.locator("[data-answer]")).to_contain_text("391")
    await expect(page.get_by_role("button", name="Approve", exact=True)).to_have_count(0)
    await expect(page.get_by_label("Follow up")).to_be_visible()
    await expect(page.locator("[data-connection]")).to_have_attribute("data-connection", "ended")


async def test_without_javascript_a_thread_is_read_and_goes_on(
    shared_site: LiveSite, session: str, open_page: Any
) -> None:
    scripted = await open_page(shared_site, session=session)
    run_id = await launch(scripted, "What is 17 * 23?")
    await wait_for_status(scripted, "completed")
    page = await open_page(shared_site, session=session, java_script_enabled=False)
    await page.goto(f"/threads/{run_id}/")

    await page.fill("[name=message]", "add 10 to it")
    await page.get_by_role("button", name="Continue").click()
    await page.wait_for_url("**at=*")
    while not await messages(page).last.locator("[data-answer]").count():
        await page.get_by_role("link", name="Reload").click()

    await expect(messages(page).last).to_contain_text("401")
    await messages(page).last.locator("summary").click()
    await expect(messages(page).last.get_by_role("link", name="See the steps on the page of the run")).to_be_visible()


async def test_a_thread_is_named_starred_and_archived_on_its_page_and_in_the_list(
    shared_site: LiveSite, session: str, open_page: Any
) -> None:
    page = await open_page(shared_site, session=session, **PHONE)
    first = await launch(page, "What is 19 * 23?")
    await wait_for_status(page, "completed")
    await page.goto(f"/threads/{first}/")

    await page.get_by_label("Rename", exact=True).first.click()
    await page.fill("[name=title]", f"Sums {first[:8]}")
    assert await faults_on_both(page) == []
    await page.press("[name=title]", "Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text(f"Sums {first[:8]}")
    await expect(page).to_have_title(f"Sums {first[:8]} · Agentsite")
    await page.get_by_role("button", name="Star").click()
    await expect(page.get_by_role("button", name="Star")).to_have_attribute("aria-pressed", "true")
    await expect(page.get_by_role("button", name="Star")).to_be_focused()

    await page.goto("/threads/?show=starred")
    row = page.locator(f'[data-thread="{first}"]')
    await expect(row).to_contain_text(f"Sums {first[:8]}")
    await row.get_by_role("button", name="Archive").click()
    await expect(row.get_by_role("button", name="Take out of the archive")).to_be_focused()
    assert await faults_on_both(page) == []
    await page.goto("/threads/?show=archived")
    await expect(row).to_be_visible()
    assert await faults_on_both(page) == []
    await row.get_by_role("link").first.click()
    await say(page, "add 1 to it")
    await expect(messages(page).last.locator("[data-answer]")).to_contain_text("438")
    await page.goto("/threads/?sort=title")
    await expect(row).to_be_visible()


async def test_an_edited_message_makes_a_branch_and_the_arrows_turn_to_the_other_one(
    shared_site: LiveSite, session: str, open_page: Any
) -> None:
    page = await open_page(shared_site, session=session, **PHONE)
    first = await launch(page, "What is 13 * 13?")
    await wait_for_status(page, "completed")
    await page.goto(f"/threads/{first}/")
    await say(page, "add 10 to it")
    await expect(messages(page).last.locator("[data-answer]")).to_contain_text("179")

    await page.press("[name=message]", "ArrowUp")
    field = page.get_by_label("Edit the message")
    await expect(field).to_be_focused()
    await expect(field).to_have_value("add 10 to it")
    assert await faults_on_both(page) == []
    await page.get_by_role("link", name="Cancel").click()
    await expect(field).to_have_count(0)
    await expect(page.get_by_role("link", name="Edit message 2 and ask again")).to_be_focused()
    await page.keyboard.press("Enter")
    await field.fill("add 20 to it")
    before = page.url
    await field.press("Control+Enter")
    await page.wait_for_url(lambda url: url != before)

    last = messages(page).last
    await expect(last.locator("[data-answer]")).to_contain_text("189")
    await expect(last).to_contain_text("2 of 2")
    assert await faults_on_both(page) == []
    await page.wait_for_load_state()
    await page.keyboard.press("ArrowLeft")
    await expect(messages(page).last).to_contain_text("1 of 2")
    await expect(messages(page).last.locator("[data-answer]")).to_contain_text("179")
    await page.wait_for_load_state()
    await expect(messages(page).last).to_be_focused()
    await page.keyboard.press("ArrowRight")
    await expect(messages(page).last.locator("[data-answer]")).to_contain_text("189")
    await page.wait_for_load_state()
    await page.keyboard.press("k")
    await expect(messages(page).first).to_be_focused()


async def test_the_last_answer_is_asked_for_again_and_the_other_one_stays(
    shared_site: LiveSite, session: str, open_page: Any
) -> None:
    page = await open_page(shared_site, session=session)
    first = await launch(page, "What is 11 * 11?")
    await wait_for_status(page, "completed")
    await page.goto(f"/threads/{first}/")

    before = page.url
    await page.get_by_role("button", name="Another answer").click()
    await page.wait_for_url(lambda url: url != before)

    await expect(messages(page)).to_have_count(1)
    await expect(messages(page).last.locator("[data-answer]")).to_contain_text("121")
    await expect(messages(page).last).to_contain_text("2 of 2")


async def test_without_javascript_a_message_is_edited_and_a_thread_starred(
    shared_site: LiveSite, session: str, open_page: Any
) -> None:
    scripted = await open_page(shared_site, session=session)
    run_id = await launch(scripted, "What is 15 * 15?")
    await wait_for_status(scripted, "completed")
    page = await open_page(shared_site, session=session, java_script_enabled=False)
    await page.goto(f"/threads/{run_id}/")

    await page.get_by_role("button", name="Star").click()
    await expect(page.get_by_role("button", name="Star")).to_have_attribute("aria-pressed", "true")
    await page.get_by_role("link", name="Edit message 1 and ask again").click()
    await page.get_by_label("Edit the message").fill("What is 15 * 16?")
    await page.get_by_role("button", name="Ask again").click()
    await page.wait_for_url("**at=*")
    while not await messages(page).last.locator("[data-answer]").count():
        await page.get_by_role("link", name="Reload").click()

    await expect(messages(page).last).to_contain_text("240")
    await page.get_by_role("link", name="Previous version").click()
    await expect(messages(page).last).to_contain_text("225")
