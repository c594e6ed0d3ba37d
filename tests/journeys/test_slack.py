"""A person sets up Slack, links their account, and decides there; the message says so."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.async_api import expect

from tests.journeys.conftest import launch, wait_for_status
from tests.journeys.page_faults import PHONE, faults_on_both
from tests.journeys.test_inbox import ALWAYS_ASKS
from tests.slack_stand_in import CHANNEL, SECRET, TOKEN, Slack, buttons_of, interaction, press, running_slack

pytestmark = pytest.mark.browser

RULE = """
from runs.models import NotificationChannel, NotificationRule
channel = NotificationChannel.objects.get()
NotificationRule.objects.create(user=channel.user, name="Waits", events=["run.needs_person"]).channels.add(channel)
print(channel.pk)
"""
LINK = """
from django.core import signing
from runs.engine.control.slack_decisions import ACCOUNT_SALT
from tests.slack_stand_in import SLACK_ID
from runs.models import NotificationChannel
print(signing.dumps([str(NotificationChannel.objects.get().pk), SLACK_ID, "jtorrance"], salt=ACCOUNT_SALT))
"""


@pytest.fixture
def slack() -> Iterator[Slack]:
    """A Slack for the site."""
    with running_slack() as server:
        yield server


async def test_slack_is_set_up_an_account_is_linked_and_its_press_decides(
    start_site: Any, open_page: Any, slack: Slack
) -> None:
    site = start_site(AGENTSITE_SLACK_API=slack.url)
    site.ask(ALWAYS_ASKS)
    site.create_user("ada")
    page = await open_page(site, session=site.session_of("ada"), **PHONE)
    await page.goto("/settings/notifications/slack/")
    await page.get_by_label("Name").fill("Approvals")
    await page.get_by_label("Id of the channel").fill(CHANNEL)
    await page.get_by_label("Bot token").fill(TOKEN)
    await page.get_by_label("Signing secret").fill(SECRET)
    await page.get_by_role("button", name="Create channel").click()
    await expect(page.get_by_role("heading", name="Approvals")).to_be_visible()
    channel = site.ask(RULE)

    await page.goto(f"/settings/notifications/slack/link/{site.ask(LINK)}/")
    assert await faults_on_both(page) == []
    await page.get_by_role("button", name="Yes, link it").click()
    await expect(page.get_by_text("jtorrance")).to_be_visible()
    assert await faults_on_both(page) == []
    await launch(page, "What is 17 * 23?")
    await wait_for_status(page, "waiting")
    posted = slack.wait_for("17 * 23")
    value = buttons_of(posted)["Approve"]
    assert press(f"{site.url}/hooks/slack/{channel}", interaction(value, ts=posted["ts"])) == 200

    await wait_for_status(page, "completed")
    await expect(page.locator("[data-step-kind=approval]").last).to_contain_text("in Slack")
    assert buttons_of(slack.wait_for("Approved by ada in Slack")) == {}
    assert slack.refused == []
