"""A device is added, told of a run that waits, and shows it."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import expect

from tests.journeys.conftest import launch, wait_for_status
from tests.journeys.page_faults import PHONE, faults_on_both
from tests.journeys.test_inbox import ALWAYS_ASKS
from tests.push_service import PushService, running_push_service

pytestmark = pytest.mark.browser

SUBSCRIBES = """
PushManager.prototype.subscribe = async (options) => {
  if (options.applicationServerKey.length !== 65 || !options.userVisibleOnly) throw new Error("no such key");
  const { endpoint, ...keys } = %s;
  return { toJSON: () => ({ endpoint, keys }) };
};
"""
# A browser without a window shows no notifications: what would be shown is asked for.
NOTES = """() => {
  self.shown = new Promise((note) => {
    self.registration.showNotification = async (title, { body, data }) => note([title, body, data.path]);
  });
}"""


@pytest.fixture
def service() -> Iterator[PushService]:
    """A push service, and a browser that has subscribed there."""
    with running_push_service() as running:
        yield running


async def test_a_device_is_added_and_shows_what_waits(start_site: Any, open_page: Any, service: PushService) -> None:
    site = start_site(AGENTSITE_PUSH_HOSTS=urlsplit(service.url).netloc)
    site.ask(ALWAYS_ASKS)
    site.create_user("ada")
    page = await open_page(site, session=site.session_of("ada"), **PHONE)
    await page.context.grant_permissions(["notifications"], origin=site.url)
    # A browser without a window has no push service of its own.
    await page.add_init_script(SUBSCRIBES % json.dumps(service.subscription()))
    browser = await page.context.new_cdp_session(page)
    registrations: list[str] = []
    browser.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda event: registrations.extend(each["registrationId"] for each in event["registrations"]),
    )
    await browser.send("ServiceWorker.enable")

    await page.goto("/settings/notifications/devices/")
    assert (await browser.send("Page.getAppManifest"))["errors"] == []
    await page.get_by_role("button", name="Tell me on this device").click()
    await expect(page.get_by_text("nothing sent yet")).to_be_visible()
    assert await faults_on_both(page) == []
    await launch(page, "What is 17 * 23?")
    await wait_for_status(page, "waiting")
    told = service.wait_for_one()["told"]
    (worker,) = page.context.service_workers
    await worker.evaluate(NOTES)
    about = {"origin": site.url, "registrationId": registrations[0], "data": json.dumps(told)}
    await browser.send("ServiceWorker.deliverPushMessage", about)

    assert await worker.evaluate("() => self.shown") == [told["title"], told["body"], told["path"]]
    assert service.faults == []
    assert "17 * 23" in told["body"] and told["path"].startswith("/runs/")
