"""A webhook from its form to its end, in a real browser, with a receiver that verifies what it gets."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.journeys.conftest import launch, wait_for_status
from tests.journeys.page_faults import PHONE, faults_on_both
from tests.live_site import LiveSite
from tests.webhook_receiver import Reply, WebhookReceiver

pytestmark = pytest.mark.browser

LONG_NAME = "The room where everybody hears of every run that failed and of what it had cost by then"[:80]


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    """A receiver on this machine."""
    with WebhookReceiver() as started:
        yield started


@pytest.fixture
def site(start_site: Callable[..., LiveSite], receiver: WebhookReceiver) -> LiveSite:
    """A site whose settings allow the receiver."""
    site = start_site(AGENTSITE_WEBHOOK_HOSTS=f"127.0.0.1:{receiver.port}")
    site.create_user("root", staff=True, superuser=True)
    return site


async def until_state(page: Page, state: str) -> None:
    """Reload the page of an event until it is in this state."""
    pill = page.locator(f"[data-event-state={state}]")
    for _ in range(100):
        if await pill.count():
            return
        await page.reload()
    await expect(pill).to_be_visible()


async def created(page: Page, receiver: WebhookReceiver, faults: list[str]) -> str:
    """Create a webhook after a try without any field. Its secret; `faults` gets the findings of axe."""
    await page.get_by_role("link", name="New webhook").click()
    await page.get_by_role("button", name="Create webhook").click()
    await expect(page.locator(".field-error")).to_have_count(3)
    faults += await faults_on_both(page)
    await page.get_by_label("Name").fill(LONG_NAME)
    await page.get_by_label("Address").fill(receiver.url("/hook?" + "x" * 60))
    await page.get_by_label("A run is completed").check()
    await page.get_by_role("button", name="Create webhook").click()
    faults += await faults_on_both(page)
    return await page.get_by_label("Signing secret").input_value()


async def test_a_person_makes_a_webhook_tests_it_reads_its_log_and_deletes_it(
    site: LiveSite, receiver: WebhookReceiver, open_page: Any
) -> None:
    page: Page = await open_page(site, session=site.session_of("root"), **PHONE)
    faults: list[str] = []
    await page.goto("/settings/webhooks/")
    await expect(page.locator("main")).to_contain_text("No webhooks yet")
    faults += await faults_on_both(page)

    secret = await created(page, receiver, faults)
    await page.get_by_role("button", name="Send a test").click()
    await until_state(page, "delivered")
    await expect(page.locator("[data-outcome=delivered]")).to_contain_text("Taken by the receiver · 204")
    faults += await faults_on_both(page)
    (tested,) = receiver.received
    assert tested.verified(secret)["type"] == "webhook.test"

    receiver.choose = lambda _: Reply(500, body=b"<b>The disk is full.</b> " * 300)
    run_id = await launch(page, "What is 17 * 23?")
    await wait_for_status(page, "completed")
    receiver.until(lambda: len(receiver.received) == 2)
    receiver.choose = None
    await page.goto("/settings/webhooks/")
    faults += await faults_on_both(page)
    await page.get_by_role("link", name=LONG_NAME[:20]).click()
    faults += await faults_on_both(page)
    await page.get_by_role("link", name="run.completed").click()
    await expect(page.locator(".record-log .record-text").first).to_contain_text("<b>The disk is full.</b>")
    await page.get_by_text("What is sent").click()
    await expect(page.locator(".webhook-body pre")).to_contain_text(run_id)
    faults += await faults_on_both(page)

    await page.get_by_role("button", name="Send again").click()
    await until_state(page, "delivered")
    assert receiver.received[-1].id == receiver.received[1].id
    assert receiver.received[-1].verified(secret)["data"]["id"] == run_id

    await page.goto("/settings/webhooks/")
    await page.get_by_role("link", name=LONG_NAME[:20]).click()
    await page.get_by_role("button", name="Pause").click()
    await expect(page.locator("[data-webhook-state=paused]")).to_be_visible()
    faults += await faults_on_both(page)
    await page.get_by_role("button", name="Activate").click()
    await page.get_by_text("Replace the secret").click()
    await page.get_by_role("button", name="Show a new secret").click()
    await expect(page.get_by_label("Signing secret")).not_to_have_value(secret)
    await page.get_by_role("link", name="Done").click()
    await page.get_by_text("Delete…").click()
    await page.get_by_role("button", name="Delete for good").click()
    await expect(page.locator("main")).to_contain_text("No webhooks yet")

    assert faults == []
