"""Launch limits of people: ticks that meet one stay due until there is room."""

from datetime import timedelta

from django.contrib.auth.models import User

from runs.engine.schedules import sweep_schedules
from runs.engine.schedules.due_schedules import next_launch_at
from runs.engine.schedules.postponed import Postponed
from tests.engine.schedules.conftest import HOUR, NOON, end, end_all, states, sweep, tick_of


def test_a_tick_that_meets_a_launch_limit_waits_until_there_is_room(scheduled, settings):
    settings.AGENTSITE_MAX_QUEUED = 1
    first = scheduled()
    second = scheduled(NOON + timedelta(minutes=1), name="Second", when="1 * * * *")
    soon = NOON + timedelta(minutes=1)

    sweep_schedules(soon)
    sweep_schedules(soon)
    before = second.ticks.count()
    end(first.runs.get())
    sweep_schedules(soon)

    second.refresh_from_db()
    assert (tick_of(first).state, before, tick_of(second).state) == ("succeeded", 0, "at_work")
    assert (second.failures, second.next_tick_at) == (0, soon + HOUR)


def test_a_tick_that_stops_a_run_leaves_it_at_work_while_a_limit_is_met(scheduled, settings):
    schedule = scheduled(overlap="stop")
    sweep(NOON)
    settings.AGENTSITE_LAUNCHES_PER_MINUTE = 1

    sweep_schedules(NOON + HOUR)

    schedule.refresh_from_db()
    assert (states(schedule), schedule.next_tick_at) == (["at_work"], NOON + HOUR)


def test_a_waiting_tick_waits_on_while_a_limit_is_met(scheduled, settings):
    schedule = scheduled(overlap="queue")
    sweep(NOON)
    sweep(NOON + HOUR)
    settings.AGENTSITE_LAUNCHES_PER_MINUTE = 1
    end_all(schedule)

    sweep_schedules(NOON + HOUR)

    assert states(schedule) == ["succeeded", "waiting"]


def test_the_schedules_of_a_person_at_a_limit_are_left_alone_until_there_is_room(scheduled, settings):
    settings.AGENTSITE_LAUNCHES_PER_MINUTE = 1
    for number in range(3):
        scheduled(name=f"Report {number}")
    other = scheduled(by=User.objects.create_user("bob"))
    postponed = Postponed()

    swept = [sweep_schedules(NOON + timedelta(seconds=s), postponed).schedules for s in (0, 1, 2, 90)]

    assert swept == [4, 2, 0, 2]
    assert next_launch_at(NOON, Postponed()) == NOON and tick_of(other).state == "at_work"
