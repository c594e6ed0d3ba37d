"""Several sweeps at the same time, each on its own connection."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from runs.engine.schedules import ScheduleValues, run_now, save_schedule, sweep_schedules
from runs.models import Agent, Run, Schedule, ScheduleTick
from tests.engine.schedules.conftest import HOUR, NOON, planned

SWEEPERS = 4
SCHEDULES = 12


@pytest.fixture
def many(transactional_db: None) -> list[Schedule]:
    ada = User.objects.create_user("ada")
    clerk = Agent.objects.create(name="Clerk", model_names=["offline"])
    about: dict[str, Any] = {
        "when": "hourly",
        "time_zone": "UTC",
        "agent": clerk,
        "task": "Do.",
        "catch_up": "all",
        "overlap": "queue",
    }
    values = [ScheduleValues(name=f"Report {number}", most_caught_up=3, **about) for number in range(SCHEDULES)]
    return [planned(save_schedule(None, each, by=ada), NOON) for each in values]


def together(*works: Callable[[], object]) -> None:
    """Do all of these at the same time, each in a thread with a connection."""
    start = Barrier(len(works))

    def work(each: Callable[[], object]) -> None:
        try:
            start.wait()
            each()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as threads:
        for done in [threads.submit(work, each) for each in works]:
            done.result()


def test_four_sweepers_launch_each_tick_once(many):
    now = NOON + 2 * HOUR

    together(*[lambda: sweep_schedules(now)] * SWEEPERS)

    assert ScheduleTick.objects.count() == 3 * SCHEDULES
    assert Run.objects.count() == SCHEDULES == ScheduleTick.objects.filter(state="at_work").count()


def test_ticks_that_wait_are_launched_once_by_four_sweepers(many):
    sweep_schedules(NOON + 2 * HOUR)
    for _ in range(2):
        Run.objects.unfinished().update(status="completed", ended_at=NOON)
        together(*[lambda: sweep_schedules(NOON + 2 * HOUR)] * SWEEPERS)

    assert Run.objects.count() == 3 * SCHEDULES
    assert all(schedule.runs.unfinished().count() == 1 for schedule in many)


def test_runs_by_hand_beside_a_sweep_are_neither_lost_nor_doubled(many):
    schedule, user = many[0], User.objects.get()

    together(*[lambda: sweep_schedules(NOON + timedelta(minutes=1))] * 2, *[lambda: run_now(schedule.pk, by=user)] * 2)

    assert schedule.runs.count() == schedule.ticks.exclude(state="waiting").count()
    assert schedule.ticks.filter(is_by_hand=True).count() == 2 and schedule.ticks.filter(is_by_hand=False).count() == 1
