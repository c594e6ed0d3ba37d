"""Which schedules there is something to do for, and what is done for one whose row is locked."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, Window
from django.db.models.functions import RowNumber

from runs.engine.limits.launch_rate import TooManyLaunches
from runs.engine.operations import fault_points
from runs.engine.schedules.ended_runs import HAS_ENDED, note_ended_runs
from runs.engine.schedules.postponed import Postponed
from runs.engine.schedules.schedule_states import STATE_COLUMNS, plan
from runs.engine.schedules.tick_launches import begin_tick, launch_tick
from runs.models import Run, Schedule, ScheduleTick
from runs.recurrence.due_ticks import MissedTicks, due_ticks

MOST_A_SWEEP: Final = 400
"""Schedules of each kind that a sweep deals with. The next sweep follows at once if there may be more."""


def next_launch_at(now: datetime, postponed: Postponed) -> datetime | None:
    """When the next tick of any schedule launches that is not postponed; None if none does."""
    waiting = _without(postponed, now, Schedule.objects.filter(launch_at__isnull=False))
    first: datetime | None = waiting.order_by("launch_at").values_list("launch_at", flat=True).first()
    return first


def due_schedules(now: datetime, postponed: Postponed) -> list[UUID]:
    """Those with a tick that launches now: of each person the one that waits longest, then the second …; those of one
    person stand together."""
    turn = Window(RowNumber(), partition_by=F("user"), order_by=("launch_at", "pk"))
    due = _without(postponed, now, Schedule.objects.filter(launch_at__lte=now)).annotate(turn=turn)
    found = list(due.order_by("turn", "launch_at", "pk").values_list("pk", "user")[:MOST_A_SWEEP])
    together: dict[int | None, list[UUID]] = {}
    for schedule_id, user_id in found:
        together.setdefault(user_id, []).append(schedule_id)
    return [each for of_one in together.values() for each in of_one]


def with_ended_runs(now: datetime, postponed: Postponed) -> list[UUID]:
    """Those with a run at work that has ended."""
    ended = ScheduleTick.objects.filter(HAS_ENDED).exclude(schedule__in=postponed.schedules(now))
    return _unique(ended.order_by("run__ended_at"))


def with_waiting_ticks(now: datetime, postponed: Postponed) -> list[UUID]:
    """Those with a tick that waits, and no run at work."""
    at_work = Run.objects.unfinished().filter(schedule=OuterRef("schedule"))
    waiting = ScheduleTick.objects.filter(state=ScheduleTick.State.WAITING).exclude(Exists(at_work))
    return _unique(_without(postponed, now, waiting, "schedule__").order_by("due_at"))


def _without(postponed: Postponed, now: datetime, rows: Any, prefix: str = "") -> Any:
    """The rows without what is postponed. Schedules of the command line have no owner to be excluded with."""
    if owners := postponed.owners(now):
        rows = rows.filter(Q(**{f"{prefix}user": None}) | ~Q(**{f"{prefix}user__in": owners}))
    if schedules := postponed.schedules(now):
        rows = rows.exclude(**{f"{prefix}pk__in": schedules})
    return rows


def _unique(ticks: "Iterable[ScheduleTick]") -> list[UUID]:
    found = ticks.values_list("schedule", flat=True)[: MOST_A_SWEEP * 2]  # type: ignore[attr-defined]
    return list(dict.fromkeys(found))[:MOST_A_SWEEP]


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


def note_ends(schedule: Schedule) -> None:
    """Note the ends of the schedule's runs."""
    note_ended_runs([schedule])


def take_due(schedule: Schedule, now: datetime, postponed: Postponed) -> None:
    """Deal with the ticks up to `now`. Nothing is left to do if another process was faster.

    A tick that meets a launch limit of its owner stays due, and the owner is postponed.
    """
    note_ended_runs([schedule])
    if schedule.launch_at is None or schedule.launch_at > now or schedule.next_tick_at is None:
        return
    due = due_ticks(schedule.timing, schedule.next_tick_at, now)
    if due.missed is not None:
        _note_missed(schedule, due.missed)
    for tick in due.launched:
        if not schedule.is_active:
            return
        try:
            begin_tick(schedule, tick)
        except TooManyLaunches as limit:
            postponed.note_limit(schedule, limit, now)
            schedule.next_tick_at = tick
            return
    if schedule.is_active:
        plan(schedule, due.next_tick)


def go_on_with_queue(schedule: Schedule, now: datetime, postponed: Postponed) -> None:
    """Launch the tick that has waited longest, if no run is at work."""
    note_ended_runs([schedule])
    waiting = schedule.ticks.filter(state=ScheduleTick.State.WAITING).order_by("due_at").first()
    if waiting is None or schedule.runs.unfinished().exists():
        return
    waiting.schedule = schedule
    try:
        launch_tick(waiting)
    except TooManyLaunches as limit:
        postponed.note_limit(schedule, limit, now)


def _note_missed(schedule: Schedule, missed: MissedTicks) -> None:
    columns = {"state": ScheduleTick.State.MISSED, "missed_until": missed.last, "missed_count": missed.count}
    schedule.ticks.get_or_create(due_at=missed.first, defaults=columns)
