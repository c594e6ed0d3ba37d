"""A schedule from the first recipe to its history, in a real browser."""

import pytest
from playwright.async_api import Page, expect

from tests.journeys.page_faults import PHONE, faults_on_both
from tests.live_site import LiveSite

pytestmark = pytest.mark.browser

ALL_STATES = """
from datetime import timedelta
from django.contrib.auth.models import User
from django.utils import timezone
from runs.engine.schedules import ScheduleValues, pause_schedule, save_schedule
from runs.models import Agent, Run, Schedule, ScheduleTick
root, agent, now = User.objects.get(username="root"), Agent.objects.get(is_default=True), timezone.now()
def made(name, when="every 15 minutes"):
    about = {"when": when, "time_zone": "Europe/Berlin", "agent": agent, "task": "Add " * 99}
    return save_schedule(None, ScheduleValues(name=name, **about), by=root)
schedule = made("A schedule whose name is as long as the names of some schedules are, and longer"[:80])
for number, state in enumerate(ScheduleTick.State.values):
    run = Run.objects.create(user=root, agent=agent, config={"agent": "Assistant", "models": ["offline"]}, task="Add",
        status="completed", ended_at=now) if state in ("at_work", "succeeded", "failed", "cancelled") else None
    ScheduleTick.objects.create(schedule=schedule, due_at=now - timedelta(hours=number), state=state, run=run,
        reason="The run before it was still at work." if state == "skipped" else "", ended_at=now)
for number in range(5):
    made(f"A schedule of each day with a long name, number {number}", "every day at 9:00")
pause_schedule(made("Paused").pk, by=root, note="a_note_without_any_space_" * 8)
Schedule.objects.filter(pk=made("Stopped").pk).update(state="stopped", failures=3, next_tick_at=None, launch_at=None)
print(schedule.pk)
"""


@pytest.fixture(scope="module")
def every_state(shared_site: LiveSite) -> str:
    """The id of a schedule with ticks in every state, beside schedules in every state. All are root's."""
    shared_site.create_user("root", staff=True, superuser=True)
    return shared_site.ask(ALL_STATES)


async def test_a_schedule_is_made_with_a_preview_run_paused_and_resumed(shared_site: LiveSite, session: str, open_page):
    page: Page = await open_page(shared_site, session=session, **PHONE)
    await page.goto("/schedules/")
    await expect(page.locator("main")).to_contain_text("No schedules yet")
    assert await faults_on_both(page) == []

    await page.get_by_role("link", name="Each week").click()
    await expect(page.locator("#id_when")).to_have_value("every Monday at 9:00")
    await expect(page.locator("#preview li")).to_have_count(5)
    await page.fill("#id_when", "every now and then")
    await expect(page.locator("#preview")).to_contain_text("is not understood")
    await page.fill("#id_when", "every weekday at 9:00")
    await expect(page.locator("#preview")).to_contain_text("At 09:00, Monday through Friday")
    assert await faults_on_both(page) == []
    await page.fill("#id_name", "Sums")
    await page.fill("#id_task", "What is 17 * 23?")
    await page.get_by_role("button", name="Save").click()
    await page.wait_for_url("**/schedules/*-*/")
    await expect(page.locator("main")).to_contain_text("Nothing was due yet.")
    assert await faults_on_both(page) == []

    await page.get_by_role("button", name="Run now").click()
    await page.wait_for_url("**/runs/*-*/")
    await page.locator("[data-schedule]").click()
    await page.wait_for_url("**/schedules/*-*/")
    await expect(page.locator(".log-line")).to_contain_text("By hand")
    await page.fill("#id_note", "The shop is closed.")
    await page.get_by_role("button", name="Pause").click()
    await expect(page.locator("main")).to_contain_text("The shop is closed.")
    await page.get_by_role("button", name="Resume").click()
    await expect(page.locator(".schedule-next li")).to_have_count(5)


@pytest.mark.parametrize("locale", ["en-GB", "de-DE", "zh-CN"])
async def test_schedules_in_every_state_fit_their_window(
    shared_site: LiveSite, every_state: str, open_page, locale: str
):
    page: Page = await open_page(shared_site, session=shared_site.session_of("root"), locale=locale, **PHONE)
    faults: list[str] = []

    pages = (
        "/schedules/",
        "/schedules/?view=week",
        f"/schedules/{every_state}/",
        f"/schedules/{every_state}/edit/",
        "/schedules/new/",
    )
    for address in pages:
        await page.goto(address)
        faults += await faults_on_both(page)

    assert faults == []
