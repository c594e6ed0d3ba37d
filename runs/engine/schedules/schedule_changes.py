"""What people do with a schedule: pause and resume it, launch a run from it at once, delete it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import transaction

from runs.agent.wording import Wording
from runs.engine.db_clock import database_now
from runs.engine.operations import fault_points
from runs.engine.queueing.dispatch import announce_schedules
from runs.engine.schedules.schedule_states import STATE_COLUMNS, enter, plan, skip_waiting
from runs.engine.schedules.tick_launches import launch_of
from runs.models import Run, Schedule, ScheduleTick
from runs.models.permissions import NOT_LAUNCHED, may_launch, may_pause_schedule, may_see_schedule, refusal_of_schedule
from runs.models.schedule import MAX_NOTE_CHARS


class ScheduleRefused(ValueError):
    """What was asked is not possible for this schedule now. The message, a `Wording`, is for the person."""


def pause_schedule(schedule_id: UUID, *, by: Any, note: str = "") -> Schedule:
    """Let no tick launch until it is resumed; one that is paused gets the new note. Its runs at work go on.

    Raises `Schedule.DoesNotExist`, `PermissionDenied`, and `ScheduleRefused` for one that has ended, or a long note.
    """
    note = " ".join(note.split())
    if len(note) > MAX_NOTE_CHARS:
        raise ScheduleRefused(Wording("A note has at most %(most)s characters.", most=MAX_NOTE_CHARS))
    with _locked(schedule_id, by) as schedule:
        if schedule.state == Schedule.State.ENDED:
            raise ScheduleRefused(Wording("The schedule has ended: there is nothing to pause."))
        enter(schedule, Schedule.State.PAUSED, by=by, note=note)
        skip_waiting(schedule, Wording("The schedule was paused."))
    return schedule


def resume_schedule(schedule_id: UUID, *, by: Any) -> Schedule:
    """Let it have ticks again, from now on: those of the meantime were not missed. One that is active stays as it is.

    Raises `Schedule.DoesNotExist`, `PermissionDenied`, and `ScheduleRefused` if no tick can come any more.
    """
    with _locked(schedule_id, by, launches=True) as schedule:
        if not schedule.is_active:
            activate(schedule, by=by)
    return schedule


def activate(schedule: Schedule, *, by: Any) -> None:
    """Plan a locked schedule from now on. Raises `ScheduleRefused` if it has ended."""
    next_tick = schedule.timing.after(database_now())
    if next_tick is None:
        raise ScheduleRefused(Wording("The schedule has ended: it has no time to come. Change its end or its times."))
    if schedule.max_runs is not None and schedule.runs_launched >= schedule.max_runs:
        words = Wording(
            "The schedule has ended: it has launched %(count)s run, and that is its limit.",
            plural="The schedule has ended: it has launched %(count)s runs, and that is its limit.",
            count=schedule.runs_launched,
        )
        raise ScheduleRefused(words)
    enter(schedule, Schedule.State.ACTIVE, by=by)
    schedule.failures = 0
    plan(schedule, next_tick)


def run_now(schedule_id: UUID, *, by: Any) -> Run:
    """A run launched from the schedule at once, whatever its state and beside what is at work. Its ticks stay as they
    are.

    Raises `Schedule.DoesNotExist`, `PermissionDenied`, and what a launch raises.
    """
    with _locked(schedule_id, by, launches=True) as schedule:
        run = launch_of(schedule)
        due_at = database_now()
        while due_at.microsecond == 0 or schedule.ticks.filter(due_at=due_at).exists():
            due_at += timedelta(microseconds=1)  # Ticks of the clock have full seconds.
        ScheduleTick.objects.create(
            schedule=schedule, due_at=due_at, state=ScheduleTick.State.AT_WORK, run=run, by=by, is_by_hand=True
        )
    return run


def delete_schedule(schedule_id: UUID, *, by: Any) -> None:
    """Delete it with its history. Its runs stay. Raises `Schedule.DoesNotExist` and `PermissionDenied`."""
    with transaction.atomic():
        _checked(schedule_id, by, launches=False).delete()


@contextmanager
def _locked(schedule_id: UUID, by: Any, *, launches: bool = False) -> Iterator[Schedule]:
    """The schedule with its row locked, saved at the end."""
    with transaction.atomic():
        schedule = _checked(schedule_id, by, launches=launches)
        yield schedule
        schedule.save(update_fields=STATE_COLUMNS)
        fault_points.at_commit("schedule")
        announce_schedules()


def _checked(schedule_id: UUID, by: Any, *, launches: bool) -> Schedule:
    rows = Schedule.objects.select_for_update(of=("self",)).select_related("user", "agent", "template__agent")
    schedule = rows.get(pk=schedule_id)
    if by is not None and not may_see_schedule(by, schedule):
        raise Schedule.DoesNotExist
    if not may_pause_schedule(by, schedule):
        raise PermissionDenied(refusal_of_schedule())
    if launches and not may_launch(by):
        raise PermissionDenied(NOT_LAUNCHED)
    return schedule
