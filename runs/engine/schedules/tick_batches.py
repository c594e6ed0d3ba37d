"""Many schedules in one transaction: their ends, and ticks that launch, wait or are skipped without more ado."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, prefetch_related_objects

from runs.engine.control.launch_batch import LaunchBatch, NoLaunchLeft
from runs.engine.control.template_launch import fill
from runs.engine.limits.launch_rate import TooManyLaunches
from runs.engine.operations import fault_points
from runs.engine.schedules.ended_runs import HAS_ENDED, note_ended_runs
from runs.engine.schedules.postponed import Postponed
from runs.engine.schedules.schedule_states import STATE_COLUMNS, plan
from runs.engine.schedules.tick_launches import STILL_AT_WORK, skipped
from runs.engine.writing.sql_rows import update_each
from runs.models import Run, Schedule, ScheduleTick
from runs.recurrence.due_ticks import DueTicks, due_ticks
from runs.recurrence.overlap import Action, Overlap, action_of

BATCH: Final = 25
"""Schedules in one transaction. SQLite writes one at a time: others wait for that long."""
PLANNED: Final = ("next_tick_at", "launch_at", "runs_launched", "failures")
"""The columns of a schedule whose state stays."""


@dataclass(slots=True)
class BatchResult:
    """What became of a batch."""

    alone: list[UUID]
    """Those that are to be dealt with one by one."""
    stopped: list[Schedule]
    """Those that have stopped after failures."""


def in_locked_rows(ids: Sequence[UUID], work: Callable[[list[Schedule]], list[UUID]]) -> BatchResult:
    """Call `work` with those of the schedules that are there and that no other process has locked, and save them.
    `work` returns those to be dealt with alone."""
    with transaction.atomic():
        found = {row.pk: row for row in Schedule.objects.select_for_update(skip_locked=True).filter(pk__in=ids)}
        schedules = [found[each] for each in ids if each in found]
        prefetch_related_objects(schedules, "user", "agent", "template__agent")
        before = {schedule.pk: schedule.state for schedule in schedules}
        alone = work(schedules)
        same = [schedule for schedule in schedules if schedule.state == before[schedule.pk]]
        update_each(same, PLANNED)
        changed = [schedule for schedule in schedules if schedule.state != before[schedule.pk]]
        for schedule in changed:
            schedule.save(update_fields=STATE_COLUMNS)
        fault_points.at_commit("tick")
    return BatchResult(alone, [each for each in changed if each.state == Schedule.State.STOPPED])


def note_ends_together(schedules: list[Schedule]) -> list[UUID]:
    """Note the ends of the runs of all of them. None has to be dealt with alone."""
    note_ended_runs(schedules)
    return []


def take_due_together(schedules: list[Schedule], now: datetime, postponed: Postponed) -> list[UUID]:
    """Deal with the tick of each schedule that is due at `now`, all runs launched together.

    Returns those that need more than a row of the tick and a run: with several ticks, missed ones, runs to stop, a last
    run, or a launch that is refused. One whose owner has reached a launch limit stays due; who had reached it before is
    postponed.
    """
    is_due = [each for each in schedules if each.launch_at is not None and each.launch_at <= now]
    due = {each.pk: due_ticks(each.timing, each.next_tick_at, now) for each in is_due if each.next_tick_at is not None}
    facts = _Facts(is_due, due)
    batch = LaunchBatch([each.user for each in is_due if each.user is not None])
    ticks: list[ScheduleTick] = []
    alone = []
    for schedule in is_due:
        ticks_due = due[schedule.pk]
        if not facts.is_simple(schedule, ticks_due):
            alone.append(schedule.pk)
            continue
        try:
            ticks.append(_tick_of(schedule, ticks_due.launched[0], facts, batch))
        except NoLaunchLeft:
            continue
        except TooManyLaunches as limit:
            postponed.note_limit(schedule, limit, now)
            continue
        except (ValueError, PermissionDenied):
            alone.append(schedule.pk)  # There the refusal becomes the reason of the tick.
            continue
        plan(schedule, ticks_due.next_tick)
    batch.create()
    ScheduleTick.objects.bulk_create(ticks)
    return alone


class _Facts:
    """What the database says of schedules that are due, read once for all of them."""

    def __init__(self, schedules: Iterable[Schedule], due: dict[UUID, DueTicks]) -> None:
        ids = list(due)
        ticks = ScheduleTick.objects.filter(schedule__in=ids)
        times = {tick for each in due.values() for tick in each.launched}
        self._ended = set(ticks.filter(HAS_ENDED).values_list("schedule", flat=True))
        self._begun = set(ticks.filter(due_at__in=times).values_list("schedule", "due_at"))
        self.at_work = set(
            Run.objects.unfinished().filter(schedule__in=ids).order_by().values_list("schedule", flat=True)
        )
        waiting = ticks.filter(state=ScheduleTick.State.WAITING).order_by().values_list("schedule")
        has_queue = any(each.overlap == Overlap.QUEUE for each in schedules)
        self.waiting = dict(waiting.annotate(count=Count("pk"))) if has_queue else {}

    def is_simple(self, schedule: Schedule, due: DueTicks) -> bool:
        """True if one tick is due, for which nothing was done, and nothing before it is open."""
        return (
            due.missed is None
            and len(due.launched) == 1
            and schedule.pk not in self._ended
            and (schedule.pk, due.launched[0]) not in self._begun
            and not _is_last(schedule)
        )


def _is_last(schedule: Schedule) -> bool:
    return schedule.max_runs is not None and schedule.runs_launched + 1 >= schedule.max_runs


def _tick_of(schedule: Schedule, due_at: datetime, facts: _Facts, batch: LaunchBatch) -> ScheduleTick:
    """The tick, whose run is in the batch. Raises `ValueError` for one that has to be dealt with alone."""
    tick = ScheduleTick(schedule=schedule, due_at=due_at)
    overlap, is_at_work = Overlap(schedule.overlap), schedule.pk in facts.at_work
    match action_of(overlap, is_at_work=is_at_work, waiting=facts.waiting.get(schedule.pk, 0)):
        case Action.LAUNCH:
            tick.run = _run_of(schedule, batch)
            tick.state = ScheduleTick.State.AT_WORK
            schedule.runs_launched += 1
        case Action.WAIT:
            tick.state = ScheduleTick.State.WAITING
        case Action.SKIP:
            skipped(tick, STILL_AT_WORK)
        case _:
            raise ValueError(schedule.pk)
    return tick


def _run_of(schedule: Schedule, batch: LaunchBatch) -> Run:
    template, agent, task = schedule.template, schedule.agent, schedule.task
    filled = None
    if schedule.inputs is not None and template is not None:
        filled = fill(template, schedule.inputs, by=schedule.user)
        agent, task = template.agent, filled.task
    if agent is None or (schedule.inputs is None) != (filled is None) or (filled is not None and filled.files):
        raise ValueError(schedule.pk)
    columns = {"template": template, "filled_inputs": filled.values} if filled is not None else {}
    return batch.add(
        user=schedule.user, task=task, agent=agent, version=schedule.version, schedule=schedule, trigger=None, **columns
    )
