"""`manage.py schedules`."""

from io import StringIO
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from runs.engine.schedules import ScheduleValues, save_schedule
from runs.models import Agent, Run, Schedule


@pytest.fixture
def schedule(db: None) -> Schedule:
    agent, _ = Agent.objects.get_or_create(name="Clerk")
    values = ScheduleValues(name="Report", when="hourly", time_zone="UTC", agent=agent, task="Do.")
    return save_schedule(None, values, by=User.objects.create_user("ada"))


def schedules(*arguments: str) -> str:
    printed = StringIO()
    call_command("schedules", *arguments, stdout=printed)
    return printed.getvalue()


def test_the_list_has_a_line_for_each_schedule(schedule):
    assert str(schedule.pk) in schedules("list")
    assert schedules("list").split()[1:2] == ["active"] and schedules("list").endswith("ada  Report\n")
    assert schedules("list", "--state", "paused") == ""


def test_a_schedule_is_paused_with_a_note_and_resumed(schedule):
    schedules("pause", str(schedule.pk), "--note", "Closed.")
    schedule.refresh_from_db()
    assert (schedule.state, schedule.state_note) == ("paused", "Closed.")

    assert schedules("resume", str(schedule.pk)).startswith("Active; next at ")


def test_run_now_prints_the_id_of_the_run(schedule):
    printed = schedules("run-now", str(schedule.pk))

    run = Run.objects.get()
    assert printed == f"{run.pk}\n" and run.schedule == schedule and run.user.username == "ada"


def test_what_is_refused_is_one_line(schedule):
    with pytest.raises(CommandError, match="There is no schedule") as unknown:
        schedules("pause", str(uuid4()))
    assert unknown.value.returncode == 2
    Agent.objects.all().delete()
    with pytest.raises(CommandError, match="Its agent was deleted"):
        schedules("run-now", str(schedule.pk))
