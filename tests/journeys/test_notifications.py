"""Rules, channels and what they tell, in a real browser, with a mail server."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.async_api import expect

from tests.journeys.conftest import launch_unseen
from tests.journeys.page_faults import PHONE, faults_on_both
from tests.live_site import LiveSite
from tests.mail_server import MailServer, plain_of

pytestmark = pytest.mark.browser

LOOKS_EVERY_MS = 15_000
"""How often an open page asks what is new: see static/waiting.js."""


@pytest.fixture
def mails() -> Iterator[MailServer]:
    """A mail server on this machine."""
    with MailServer() as started:
        yield started


@pytest.fixture
def site(start_site: Callable[..., LiveSite], mails: MailServer) -> LiveSite:
    """A site that sends its mail there."""
    site = start_site(AGENTSITE_MAIL_SERVER=f"smtp://127.0.0.1:{mails.port}")
    site.create_user("root", staff=True, superuser=True)
    return site


async def test_a_person_begins_with_a_recipe_adds_a_channel_and_is_told_by_mail_and_on_the_page(
    site: LiveSite, mails: MailServer, open_page: Any
) -> None:
    faults: list[str] = []
    page = await open_page(site, session=site.session_of("root"), **PHONE)

    await page.goto("/settings/notifications/")
    faults += await faults_on_both(page)
    await page.get_by_role("link", name="New channel").click()
    await page.get_by_label("Address").fill("nobody")
    await page.get_by_role("button", name="Add and send a test").click()
    await expect(page.locator(".field-error")).to_contain_text("ada@example.org")
    faults += await faults_on_both(page)
    await page.get_by_label("Address").fill("root@example.org")
    await page.get_by_role("button", name="Add and send a test").click()
    mails.until(lambda: len(mails.received) == 1)

    await page.get_by_role("link", name="Every run of mine that ends").click()
    await expect(page.get_by_label("root@example.org")).to_be_checked()
    faults += await faults_on_both(page)
    await page.clock.install()
    await page.get_by_role("button", name="Create rule").click()
    await expect(page.locator("main")).to_contain_text("When a run is completed or a run fails (your runs): told by")

    # The page of the run would show its end by itself. The next look of this one comes when the test says so.
    await page.clock.pause_at(time.time() + 5)
    run_id = await launch_unseen(page, "What is 2 + 3?")
    mails.until(lambda: len(mails.received) == 2)
    await expect(page.locator(".toast a")).to_have_count(0)
    await page.clock.fast_forward(LOOKS_EVERY_MS)
    await expect(page.locator(".toast a")).to_contain_text("is done: What is 2 + 3?")
    await expect(page.locator(".toast a")).to_have_attribute("href", f"/runs/{run_id}/")
    await page.clock.resume()

    await page.goto("/settings/notifications/")
    await expect(page.locator("[data-delivery-state=sent]")).to_have_count(2)
    faults += await faults_on_both(page)
    assert mails.received[1]["Subject"] == "Assistant is done: What is 2 + 3?"
    assert "You get this because of a rule of yours." in plain_of(mails.received[1])
    assert faults == []
