"""The week of the schedules: the runs to come, gathered by time, in a zone; and what schedules have cost."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from runs.engine.schedules import ScheduleValues, pause_schedule, save_schedule
from runs.models import Agent, Run, Schedule
from runs.web.schedule_week import MOST_SCHEDULES, ScheduleWeek, week_of

MONDAY = datetime(2026, 6, 1, 6, 30, tzinfo=UTC)


@pytest.fixture
def browser(owner: User, agent: Agent, browser_of: Callable[[User | None], Client]) -> Client:
    return browser_of(owner)


def made(user: User, agent: Agent, name: str, when: str, zone: str = "UTC", **values: Any) -> Schedule:
    """A schedule as it stands on that Monday."""
    said = ScheduleValues(name=name, when=when, time_zone=zone, agent=agent, task="Add 1 and 2.", **values)
    schedule = save_schedule(None, said, by=user)
    first = schedule.timing.after(MONDAY)
    Schedule.objects.filter(pk=schedule.pk).update(next_tick_at=first, launch_at=first)
    return schedule


def shown(week: ScheduleWeek) -> list[list[tuple[str, list[str]]]]:
    return [[(slot.time, [each.name for each in slot.schedules]) for slot in day.slots] for day in week.days]


def test_a_week_has_each_run_to_come_on_its_day(owner, agent):
    made(owner, agent, "Report", "every weekday at 9:00")
    made(owner, agent, "Backup", "on the 3rd at 22:00")

    week = week_of(Schedule.objects.all(), "UTC", MONDAY)

    nine = [("09:00", ["Report"])]
    assert shown(week) == [nine, nine, [*nine, ("22:00", ["Backup"])], nine, nine, [], []]
    assert week.days[0].day == MONDAY.date()


def test_runs_at_one_time_are_gathered_and_most_of_them_unfold(owner, agent):
    for number in range(5):
        made(owner, agent, f"Report {number}", "every Monday at 9:00")

    (slot,) = week_of(Schedule.objects.all(), "UTC", MONDAY).days[0].slots

    assert [len(slot.first), len(slot.others)] == [3, 2]


def test_times_are_those_of_the_zone_that_is_asked_for(owner, agent):
    made(owner, agent, "Report", "every Monday at 23:00", "America/New_York")

    asked = [week_of(Schedule.objects.all(), zone, MONDAY) for zone in ("Europe/Berlin", "", "No/Where")]

    assert shown(asked[0])[1] == [("05:00", ["Report"])]
    assert shown(asked[1]) == shown(asked[2]) and shown(asked[1])[0] == [("23:00", ["Report"])]
    assert [each.zone for each in asked] == ["Europe/Berlin", "America/New_York", "America/New_York"]


def test_one_with_many_times_stands_above_the_days(owner, agent):
    often = made(owner, agent, "Watch", "*/5 * * * *")

    week = week_of(Schedule.objects.all(), "UTC", MONDAY)

    assert [schedule for schedule, _words in week.often] == [often] and shown(week) == [[]] * 7


def test_one_that_ends_or_is_paused_has_no_times_after_that(owner, agent):
    made(owner, agent, "Report", "every day at 9:00", ends_at=datetime(2099, 1, 1, tzinfo=UTC))
    Schedule.objects.update(ends_at=MONDAY + timedelta(days=1, hours=5))
    paused = made(owner, agent, "Paused", "every day at 9:00")
    pause_schedule(paused.pk, by=owner)

    week = week_of(Schedule.objects.all(), "UTC", MONDAY)

    assert shown(week) == [[("09:00", ["Report"])]] * 2 + [[]] * 5


def test_of_many_schedules_those_that_launch_soonest_are_shown(owner, agent):
    first = made(owner, agent, "Soon", "every day at 9:00")
    columns = {
        "user": owner,
        "agent": agent,
        "task": "Do.",
        "when": "0 9 * * *",
        "cron": "0 9 * * *",
        "time_zone": "UTC",
    }
    at = MONDAY + timedelta(days=1, hours=2, minutes=30)
    Schedule.objects.bulk_create(
        Schedule(name=f"Report {n}", next_tick_at=at, launch_at=at, **columns) for n in range(MOST_SCHEDULES)
    )

    week = week_of(Schedule.objects.all(), "UTC", MONDAY)

    assert week.is_cut and shown(week)[0] == [("09:00", [first.name])]
    assert len(week.days[1].slots[0].schedules) == MOST_SCHEDULES


def test_the_page_shows_the_week_of_what_the_person_sees(browser, owner, other, agent):
    made(owner, agent, "Report", "every day at 9:00")
    made(other, agent, "Foreign", "every day at 9:00")
    Schedule.objects.update(next_tick_at=timezone.now() + timedelta(hours=1))

    page = browser.get("/schedules/?view=week&zone=Asia/Tokyo").content.decode()

    assert "Report" in page and "Foreign" not in page
    assert '<option value="Asia/Tokyo" selected>' in page and 'aria-current="page">Week' in page.replace("\n", "")


def test_the_list_says_what_the_runs_of_a_month_have_cost(browser, owner, agent):
    schedule = made(owner, agent, "Report", "every day at 9:00")
    about = {"user": owner, "agent": agent, "task": "Do.", "schedule": schedule, "status": "completed"}
    Run.objects.create(cost=Decimal("1.5"), **about)
    Run.objects.create(cost=Decimal("0.7"), **about)
    Run.objects.create(cost=Decimal(90), created_at=timezone.now() - timedelta(days=40), **about)

    before = browser.get("/schedules/").content.decode()
    Run.objects.create(tokens_used=9, **about)

    assert "$2.20 in 30 days" in before and "at least" not in before
    assert "at least $2.20 in 30 days" in browser.get("/schedules/").content.decode()
