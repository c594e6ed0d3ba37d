"""The clock of a host: what is due is launched and executed without anybody asking."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.utils import timezone

from runs import doorbell
from runs.agent.providers.scripted import ScriptedModel, answers
from runs.engine.host_timings import HostTimings
from runs.engine.schedules import ScheduleValues, pause_schedule, resume_schedule, save_schedule
from runs.models import Agent, Schedule
from tests.engine.conftest import SOON_S
from tests.engine.schedules.conftest import planned


@sync_to_async
def due_now(user: User, agent: Agent, **values) -> Schedule:
    """A schedule whose tick of this minute is due, and which ends with it."""
    about: dict[str, Any] = {
        "name": "Report",
        "when": "* * * * *",
        "time_zone": "UTC",
        "agent": agent,
        "task": "Do it.",
        "max_runs": 1,
    }
    schedule = save_schedule(None, ScheduleValues(**(about | values)), by=user)
    return planned(schedule, timezone.now().replace(second=0, microsecond=0))


async def reached(schedule: Schedule, is_there: Callable[[Schedule], bool]) -> Schedule:
    give_up_at = time.monotonic() + SOON_S
    while not is_there(row := await Schedule.objects.aget(pk=schedule.pk)):
        assert time.monotonic() < give_up_at, f"Still {row.state}, {row.failures} failures, after {SOON_S} s."
        await asyncio.sleep(0.005)
    return row


async def test_a_host_launches_and_executes_what_is_due(ada, assistant, host_for):
    host_for(ScriptedModel(answers("Done.")))

    schedule = await due_now(ada, assistant)

    await reached(schedule, lambda row: row.state == "ended")
    tick = await schedule.ticks.select_related("run").aget()
    assert tick.run.user_id == ada.pk


async def test_a_host_notes_the_end_and_tells_of_a_schedule_that_stops(ada, assistant, host_for, caplog):
    host_for(ScriptedModel(ZeroDivisionError("a bug")))

    with caplog.at_level(logging.CRITICAL):
        schedule = await due_now(ada, assistant, max_runs=None, stop_after=1)
        stopped = await reached(schedule, lambda row: row.state == "stopped")

    assert (stopped.failures, stopped.next_tick_at) == (1, None)
    told = [record.getMessage() for record in caplog.records if "schedule_stopped" in record.getMessage()]
    assert told == ["schedule_stopped: The schedule 'Report' of ada has stopped after 1 failure in a row. "]


async def test_a_host_of_given_runs_launches_no_schedule(ada, assistant, host_for):
    host = host_for(ScriptedModel(), only=[])
    schedule = await due_now(ada, assistant)

    for _ in range(3):
        await host._sweeper.done()

    assert not await schedule.ticks.aexists()


async def test_a_clock_that_sleeps_is_woken_by_a_ring_from_any_process(ada, assistant, host_for):
    host_for(ScriptedModel(answers("Done.")), HostTimings(sweep_every_s=600))
    schedule = await due_now(ada, assistant)

    await doorbell.ring_schedules()

    await reached(schedule, lambda row: row.state == "ended")


def test_hosts_are_rung_for_when_a_schedule_is_made_changed_paused_or_resumed(
    ada, assistant, monkeypatch, django_capture_on_commit_callbacks
):
    rings: list[str] = []
    monkeypatch.setattr(doorbell, "ring_schedules_from_thread", lambda: rings.append("ring"))
    about: dict[str, Any] = {"when": "every hour", "time_zone": "UTC", "agent": assistant, "task": "Do it."}

    with django_capture_on_commit_callbacks(execute=True):
        schedule = save_schedule(None, ScheduleValues(name="Report", **about), by=ada)
        save_schedule(schedule, ScheduleValues(name="Weekly report", **about), by=ada)
        pause_schedule(schedule.pk, by=ada)
        resume_schedule(schedule.pk, by=ada)

    assert len(rings) == 4
