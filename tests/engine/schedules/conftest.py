"""A person, agents and schedules; the clock of a test is an argument."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User

from runs.engine.schedules import ScheduleValues, save_schedule, sweep_schedules
from runs.models import Agent, Run, Schedule, ScheduleTick

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def clerk(db: None) -> Agent:
    return Agent.objects.create(name="Clerk", model_names=["offline"])


@pytest.fixture
def owner(db: None) -> User:
    return User.objects.create_user("owner", password="secret")


@pytest.fixture
def scheduled(owner: User, clerk: Agent) -> Callable[..., Schedule]:
    """Make an hourly schedule whose first tick is due at noon."""

    def make(first: datetime = NOON, *, by: User = owner, **values) -> Schedule:
        about: dict[str, Any] = {
            "name": "Report",
            "when": "every hour",
            "time_zone": "UTC",
            "agent": clerk,
            "task": "Write it.",
        }
        schedule = save_schedule(None, ScheduleValues(**(about | values)), by=by)
        return planned(schedule, first)

    return make


def planned(schedule: Schedule, first: datetime) -> Schedule:
    """The schedule with this next tick, whatever the clock of the machine says."""
    schedule.next_tick_at, schedule.launch_at = first, schedule.timing.launch_at(first)
    schedule.save()
    return schedule


def sweep(now: datetime) -> None:
    while sweep_schedules(now).schedules:
        pass


def end(run: Run, status: str = "completed", **columns) -> None:
    Run.objects.filter(pk=run.pk).update(status=status, ended_at=NOON, waiting_for="", owner=None, **columns)


def end_all(schedule: Schedule, status: str = "completed") -> None:
    for run in schedule.runs.unfinished():
        end(run, status)


def history(schedule: Schedule) -> list[tuple[datetime, str]]:
    """The ticks, oldest first."""
    return [(tick.due_at, tick.state) for tick in schedule.ticks.order_by("due_at")]


def states(schedule: Schedule) -> list[str]:
    return [state for _due_at, state in history(schedule)]


def tick_of(schedule: Schedule) -> ScheduleTick:
    return schedule.ticks.get()
