"""A trigger from its form to the run that a signed request launches, in a real browser."""

import http.client
import json
import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, expect

from tests.journeys.page_faults import PHONE, faults_of, faults_on_both
from tests.live_site import LiveSite
from tests.trigger_senders import PUSH, json_of, signed

pytestmark = pytest.mark.browser


def deliver(address: str, secret: str, key: str, body: Any = PUSH) -> dict[str, Any]:
    """What a signed request to the address is answered with."""
    parts, sent = urlsplit(address), json_of(body)
    connection = http.client.HTTPConnection(parts.netloc, timeout=30)
    try:
        headers = {"Content-Type": "application/json", **signed(sent, secret=secret, key=key)}
        connection.request("POST", parts.path, sent, headers)
        told: dict[str, Any] = json.loads(connection.getresponse().read())
        return told
    finally:
        connection.close()


async def fill_form(page: Page) -> None:
    """Fill the form of a new trigger, and wait until its inputs are there."""
    await page.fill("#id_name", "Pushes")
    await page.select_option("#id_launches", index=1)
    await page.fill("#id_task", "What is {{ first }} * {{ second }}?")
    await page.locator("#id_task").press("Tab")
    await expect(page.locator("[name=input-second]")).to_be_visible()
    await page.fill("[name=input-first]", "body.numbers[0]")


async def test_a_trigger_is_tried_made_and_launches_a_run_that_is_replayed(
    shared_site: LiveSite, root_session: str, open_page
):
    page: Page = await open_page(shared_site, session=root_session, **PHONE)
    await page.goto("/triggers/")
    await expect(page.locator("main")).to_contain_text("No triggers yet")
    assert await faults_on_both(page) == []
    await page.get_by_role("link", name="New trigger").click()
    await page.wait_for_url("**/triggers/new/")
    assert await faults_on_both(page) == []

    await fill_form(page)
    await page.fill("#id_payload", '{"numbers": [17, 23]}')
    await page.fill("[name=input-second]", "body.numbers[")
    await expect(page.locator("#id_input-second_error")).to_contain_text("It ends too early.")
    assert await faults_on_both(page) == []
    await page.fill("[name=input-second]", "body.numbers[1]")
    await expect(page.locator("#trigger-trial")).to_contain_text("What is 17 * 23?")
    await expect(page.locator("#id_input-second_error")).to_be_empty()
    assert await faults_on_both(page) == []
    await page.get_by_role("button", name="Create trigger").click()
    await expect(page.locator("#address")).to_be_visible()
    assert await faults_on_both(page) == []
    address, secret = [await page.locator(name).input_value() for name in ("#address", "#secret")]
    await page.get_by_role("link", name="Done").click()
    await expect(page.locator("main")).to_contain_text("Nothing has come yet.")

    told = deliver(address, secret, "1", {"numbers": [17, 23]})
    deliver(address, secret, "2", {"numbers": 5})
    await page.reload()
    await expect(page.locator("[data-delivery-state=launched]")).to_be_visible()
    await expect(page.locator("[data-delivery-state=unmapped]")).to_be_visible()
    assert await faults_on_both(page) == []
    await page.goto(f"/runs/{told['run']}/")
    await expect(page.locator("[data-answer]")).to_contain_text("391")
    await page.locator("[data-trigger]").click()
    await page.wait_for_url("**/deliveries/**")
    assert await faults_on_both(page) == []
    await page.get_by_role("button", name="Replay").click()
    await expect(page.locator("main")).to_contain_text("Replay of")
    assert await faults_on_both(page) == []


async def test_a_trigger_is_paused_its_credentials_replaced_and_it_is_deleted(
    shared_site: LiveSite, root_session: str, open_page
):
    page: Page = await open_page(shared_site, session=root_session)
    await page.goto("/triggers/new/")
    await fill_form(page)
    await page.fill("[name=input-second]", "`2`")
    await page.get_by_role("button", name="Create trigger").click()
    await page.get_by_role("link", name="Done").click()

    await page.get_by_role("button", name="Pause").click()
    await expect(page.locator("[data-trigger-state=paused]")).to_be_visible()
    assert await faults_of(page, "desk") == []
    await page.get_by_role("button", name="Resume").click()
    await expect(page.locator("[data-trigger-state=active]")).to_be_visible()
    await page.get_by_role("link", name="New secret").click()
    assert await faults_of(page, "desk") == []
    await page.get_by_role("button", name="Replace the secret").click()
    await expect(page.locator("#secret")).to_be_visible()
    await page.get_by_role("link", name="Done").click()
    await page.locator("summary", has_text="New address").click()
    await page.get_by_role("button", name="Show a new address").click()
    await expect(page.locator("#address")).to_have_value(re.compile("/hooks/agh_"))
    await page.get_by_role("link", name="Done").click()
    await page.locator("summary", has_text="Delete").click()
    await page.get_by_role("button", name="Delete for good").click()
    await expect(page.locator("main")).to_contain_text("No triggers yet")


async def test_without_scripts_the_inputs_are_shown_and_the_payload_is_tried_by_buttons(
    shared_site: LiveSite, root_session: str, open_page
):
    page: Page = await open_page(shared_site, session=root_session, java_script_enabled=False)
    await page.goto("/triggers/new/")
    await page.fill("#id_name", "Pushes")
    await page.select_option("#id_launches", index=1)
    await page.fill("#id_task", "What is {{ first }}?")
    await page.get_by_role("button", name="Show the inputs").click()

    await page.fill("[name=input-first]", "body.text")
    await page.get_by_role("button", name="Try", exact=True).click()

    await expect(page.locator("#trigger-trial")).to_contain_text("What is Hello?")
