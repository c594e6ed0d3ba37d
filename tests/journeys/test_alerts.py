"""An alert rule from the first recipe to a raised alert, in a real browser."""

import pytest
from playwright.async_api import Page, expect

from tests.journeys.page_faults import PHONE, faults_on_both
from tests.live_site import LiveSite

pytestmark = pytest.mark.browser

FAILED = """
from django.contrib.auth.models import User
from django.utils import timezone
from runs.models import Run
root, now = User.objects.get(username="root"), timezone.now()
Run.objects.bulk_create(Run(user=root, task="Add", status="failed", created_at=now, ended_at=now) for _ in range(9))
"""
ROUND = """
from datetime import timedelta
from django.utils import timezone
from runs.engine.alert_rules.rounds import do_round
do_round(timezone.now() + timedelta(seconds=61))
"""


@pytest.fixture
def site(live_site: LiveSite) -> LiveSite:
    """A site with a person who may do everything."""
    live_site.create_user("root", staff=True, superuser=True)
    return live_site


async def test_a_rule_is_made_with_a_preview_raised_acknowledged_and_muted(site: LiveSite, open_page):
    site.ask(FAILED)
    page: Page = await open_page(site, session=site.session_of("root"), **PHONE)
    await page.goto("/alerts/")
    await expect(page.locator("main")).to_contain_text("No alert rules yet")

    await page.get_by_role("link", name="Many runs fail").click()
    await expect(page.locator("#preview")).to_contain_text("would have raised 1 alert")
    await page.fill("#id_alert_at", "")
    await expect(page.locator("#preview")).to_contain_text("With thresholds, this shows")
    await page.fill("#id_alert_at", "50")
    await expect(page.locator("#preview")).to_contain_text("9 of 9 runs failed")
    faults = await faults_on_both(page)
    await page.get_by_role("button", name="Save").click()
    await page.wait_for_url("**/alerts/*-*/")
    site.ask(ROUND)
    await page.reload()
    await expect(page.locator(".log-line")).to_contain_text("9 of 9 runs failed (100 %).")

    await page.get_by_role("button", name="Acknowledge").click()
    await expect(page.locator("main")).to_contain_text("Acknowledged by root")
    await page.fill("#id_note", "a_note_without_any_space_" * 7)
    await page.get_by_role("button", name="Mute").click()
    await expect(page.locator("main")).to_contain_text("Nobody is told of it until")
    faults += await faults_on_both(page)
    await page.goto("/alerts/")
    faults += await faults_on_both(page)
    assert faults == []
