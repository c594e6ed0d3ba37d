"""The sweep over schedules: ticks that are due, runs that have ended, and ticks that have waited for that.

Each schedule is dealt with in a transaction of its own: the row of the tick, the run that it launches and the next due
time of the schedule are committed together, with the schedule's row locked. Several processes may sweep at once.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Window
from django.db.models.functions import RowNumber

from runs.engine.db_clock import database_now
from runs.engine.operations import fault_points
from runs.engine.schedules.ended_runs import HAS_ENDED, note_ended_runs
from runs.engine.schedules.schedule_states import STATE_COLUMNS, plan
from runs.engine.schedules.tick_launches import begin_tick, launch_tick
from runs.models import Run, Schedule, ScheduleTick
from runs.recurrence.due_ticks import MissedTicks, due_ticks

logger = logging.getLogger(__name__)

MOST_A_SWEEP: Final = 100
"""Schedules of each kind that a sweep deals with. The next sweep follows at once if there may be more."""


@dataclass(slots=True)
class Swept:
    """What a sweep did."""

    schedules: int = 0
    is_full: bool = False
    """True if there may be more to do now."""
    stopped: list[Schedule] = field(default_factory=list)
    """Those that have stopped after failures."""


Step = Callable[[], Schedule | None]
"""Deals with one schedule in a transaction. Returns it if it has stopped after failures."""


def sweep_schedules(now: datetime | None = None) -> Swept:
    """Do all that is due at `now`, by default the database's clock: for up to `MOST_A_SWEEP` schedules of each kind."""
    swept = Swept()
    for step in steps_at(now or database_now(), swept):
        if (stopped := step()) is not None:
            swept.stopped.append(stopped)
    return swept


def steps_at(now: datetime, swept: Swept) -> list[Step]:
    """What is to be done, and its number in `swept`."""
    ended, waiting, due = _with_ended_runs(), _with_waiting_ticks(), _due(now)
    swept.schedules = len(ended) + len(waiting) + len(due)
    swept.is_full = max(len(ended), len(waiting), len(due)) >= MOST_A_SWEEP
    return [
        *(partial(in_locked_row, each, note_ended_runs) for each in ended),
        *(partial(in_locked_row, each, _go_on_with_queue) for each in waiting),
        *(partial(in_locked_row, each, partial(_take_due, now=now)) for each in due),
    ]


def next_launch_at() -> datetime | None:
    """When the next tick of any schedule launches; None if none does."""
    return (
        Schedule.objects.filter(launch_at__isnull=False)
        .order_by("launch_at")
        .values_list("launch_at", flat=True)
        .first()
    )


def in_locked_row(schedule_id: UUID, work: Callable[[Schedule], None]) -> Schedule | None:
    """Call `work` with the schedule, whose row is locked, and save it. Returns it if it has stopped after failures.

    Does nothing if it is gone, or another process has locked it: that one deals with it.
    """
    with transaction.atomic():
        rows = Schedule.objects.select_for_update(skip_locked=True, of=("self",))
        schedule = rows.select_related("user", "agent", "template__agent").filter(pk=schedule_id).first()
        if schedule is None:
            return None
        was_active = schedule.is_active
        work(schedule)
        schedule.save(update_fields=STATE_COLUMNS)
        fault_points.at_commit("tick")
    return schedule if was_active and schedule.state == Schedule.State.STOPPED else None


def _due(now: datetime) -> list[UUID]:
    """The schedules with a tick that launches now: of each person the one that waits longest, then the second …"""
    turn = Window(RowNumber(), partition_by=F("user"), order_by=("launch_at", "pk"))
    due = Schedule.objects.filter(launch_at__lte=now).annotate(turn=turn).order_by("turn", "launch_at", "pk")
    return list(due.values_list("pk", flat=True)[:MOST_A_SWEEP])


def _with_ended_runs() -> list[UUID]:
    return _unique(ScheduleTick.objects.filter(HAS_ENDED).order_by("run__ended_at"))


def _with_waiting_ticks() -> list[UUID]:
    """Those with a tick that waits, and no run at work."""
    at_work = Run.objects.unfinished().filter(schedule=OuterRef("schedule"))
    waiting = ScheduleTick.objects.filter(state=ScheduleTick.State.WAITING)
    return _unique(waiting.exclude(Exists(at_work)).order_by("due_at"))


def _unique(ticks: "Iterable[ScheduleTick]") -> list[UUID]:
    found = ticks.values_list("schedule", flat=True)[: MOST_A_SWEEP * 2]  # type: ignore[attr-defined]
    return list(dict.fromkeys(found))[:MOST_A_SWEEP]


def _take_due(schedule: Schedule, now: datetime) -> None:
    """Deal with the ticks up to `now`. Nothing is left to do if another process was faster."""
    note_ended_runs(schedule)
    if schedule.launch_at is None or schedule.launch_at > now or schedule.next_tick_at is None:
        return
    due = due_ticks(schedule.timing, schedule.next_tick_at, now)
    if due.missed is not None:
        _note_missed(schedule, due.missed)
    for tick in due.launched:
        if schedule.is_active:
            begin_tick(schedule, tick)
    if schedule.is_active:
        plan(schedule, due.next_tick)


def _go_on_with_queue(schedule: Schedule) -> None:
    """Launch the tick that has waited longest, if no run is at work."""
    note_ended_runs(schedule)
    waiting = schedule.ticks.filter(state=ScheduleTick.State.WAITING).order_by("due_at").first()
    if waiting is not None and not schedule.runs.unfinished().exists():
        waiting.schedule = schedule
        launch_tick(waiting)


def _note_missed(schedule: Schedule, missed: MissedTicks) -> None:
    columns = {"state": ScheduleTick.State.MISSED, "missed_until": missed.last, "missed_count": missed.count}
    schedule.ticks.get_or_create(due_at=missed.first, defaults=columns)
