"""A person steers a run: at a desk with two tabs, on a phone, by keys, and without JavaScript."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.async_api import Page, ViewportSize, expect

from tests.journeys.conftest import MODEL, launch, wait_for_status
from tests.journeys.page_faults import faults_of
from tests.live_site import LiveSite
from tests.wire import Answer, Hang, WireServer

pytestmark = pytest.mark.browser

DESK: ViewportSize = {"width": 1280, "height": 860}
PHONE: ViewportSize = {"width": 390, "height": 844}
LONG = "The tide tables of the northern harbours say little about the wind. " * 6


async def send(page: Page, text: str, *, button: str = "Send") -> None:
    """Send a message from the page."""
    await page.get_by_label("Message to this run").fill(text)
    await page.get_by_role("button", name=button).click()
    await expect(page.get_by_label("Message to this run")).to_have_value("")


async def test_messages_wait_in_two_tabs_are_changed_and_withdrawn_and_read_before_the_next_turn(
    site: LiveSite, open_page: Callable[..., Any], wire_server: WireServer
) -> None:
    wire_server.script(Hang(answer=Answer("It is 4.")), Answer("It is IV."))
    page = await open_page(site, session=site.session_of("ada"), viewport=DESK)
    await launch(page, "What is 2 + 2?", model=MODEL)
    other = await page.context.new_page()
    await other.goto(page.url)
    await other.set_viewport_size(PHONE)

    await page.get_by_label("Message to this run").fill("In Roman numerals.")
    await page.keyboard.press("Control+Enter")
    queued = [each.locator("#run-messages li") for each in (page, other)]
    for each in queued:
        await expect(each).to_have_count(1)
        await expect(each).to_contain_text("In Roman numerals.")
    await send(other, "Nothing else.")
    for each in queued:
        await expect(each).to_have_count(2)
    for each in (page, other):
        assert await faults_of(each) == []

    await queued[1].nth(1).get_by_role("button", name="Withdraw").click()
    await expect(queued[0]).to_have_count(1)
    await queued[0].get_by_role("link", name="Edit").click()
    await page.wait_for_load_state()
    assert await faults_of(page) == []
    await page.get_by_label("Message to this run").fill("In Roman numerals, please.")
    await page.get_by_role("button", name="Save").click()
    await expect(queued[1]).to_contain_text("In Roman numerals, please.")

    wire_server.release()
    for each in (page, other):
        await wait_for_status(each, "completed")
        await expect(each.locator("[data-answer]")).to_have_text("It is IV.")
        await expect(each.locator("#run-messages")).to_be_hidden()
        read = each.locator('[data-step-kind="message"]')
        await expect(read).to_contain_text("read before turn 2")
        await expect(each.locator("#turn-1")).to_contain_text("Answer so far")
        await expect(each.locator("#turn-2-heard")).to_contain_text("In Roman numerals, please.")
        await expect(each.get_by_label("Message to this run")).to_be_hidden()
        assert await faults_of(each) == []
    told = [each["content"] for each in wire_server.requests[-1].body["messages"]]
    assert told[-2:] == ["It is 4.", "In Roman numerals, please."]


async def test_a_reply_is_stopped_for_a_message_and_stays_to_be_read(
    site: LiveSite, open_page: Callable[..., Any], wire_server: WireServer
) -> None:
    wire_server.script(Hang(after_chunks=60, answer=Answer(LONG)), Answer("Shorter."))
    page = await open_page(site, session=site.session_of("ada"), viewport=PHONE)
    await launch(page, "Tell me of the tides.", model=MODEL)
    await expect(page.locator("[data-replies]")).to_contain_text("northern harbours")

    await send(page, "Shorter, please.", button="Stop this turn and read it now")
    await wait_for_status(page, "completed")

    steps = page.locator("#turn-1, #turn-2")
    await expect(page.locator("[data-answer]")).to_have_text("Shorter.")
    await expect(page.locator('[data-unfinished="interrupted"]')).to_contain_text("interrupted by a message")
    await expect(steps.locator('[data-step-kind="message"]')).to_contain_text("stopped the reply in progress")
    assert await faults_of(page) == []


async def test_without_javascript_a_message_is_sent_changed_and_becomes_a_follow_up(
    site: LiveSite, open_page: Callable[..., Any], wire_server: WireServer
) -> None:
    wire_server.script(Hang(), Answer("It is IV."))
    scripted = await open_page(site, session=site.session_of("ada"), viewport=DESK)
    await launch(scripted, "What is 2 + 2?", model=MODEL)
    page = await open_page(site, session=site.session_of("ada"), viewport=PHONE, java_script_enabled=False)
    await page.goto(scripted.url)

    await page.get_by_label("Message to this run").fill("In Roman numerals.")
    await page.get_by_role("button", name="Send", exact=True).click()
    await page.wait_for_load_state()
    await expect(page.locator("#run-messages li")).to_contain_text("In Roman numerals.")
    await page.get_by_role("link", name="Edit").click()
    await page.get_by_label("Message to this run").fill("In Roman numerals, please.")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#run-messages li")).to_contain_text("In Roman numerals, please.")
    await page.get_by_role("button", name="Stop", exact=True).click()
    await wait_for_status(scripted, "cancelled")
    await page.goto(scripted.url)
    await expect(page.locator("#run-messages")).to_contain_text("The run has ended without reading this.")
    await page.get_by_role("button", name="Send as follow-up").click()
    await page.wait_for_url(lambda url: url != scripted.url)

    await scripted.goto(page.url)
    await wait_for_status(scripted, "completed")
    await expect(scripted.locator("[data-answer]")).to_have_text("It is IV.")
