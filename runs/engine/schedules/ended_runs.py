"""The ends of runs that schedules have launched: what each tick came to, and failures in a row."""

from collections.abc import Iterable
from uuid import UUID

from django.db.models import F, Q

from runs.agent.wording import Wording
from runs.engine.schedules.schedule_states import count_failure, told
from runs.engine.writing.sql_rows import update_each
from runs.models import Run, Schedule, ScheduleTick

HAS_ENDED = Q(state=ScheduleTick.State.AT_WORK) & (Q(run=None) | Q(run__status__in=Run.FINAL))

_READ = ("schedule", "state", "is_by_hand", "created_at", "run__status", "run__could_not", "run__ended_at")


def note_ended_runs(schedules: Iterable[Schedule]) -> set[UUID]:
    """Note what became of the runs at work, in the order of their ends. The rows of the schedules are locked, and the
    caller saves them. Returns the ids of those with such runs."""
    by_id = {schedule.pk: schedule for schedule in schedules}
    ended = ScheduleTick.objects.filter(HAS_ENDED, schedule__in=by_id).select_related("run").only(*_READ)
    ticks = list(ended.order_by(F("run__ended_at").asc(nulls_first=True), "due_at"))
    for tick in ticks:
        _note_end(tick, by_id[tick.schedule_id])
    update_each(ticks, ("state", "ended_at"))
    return {tick.schedule_id for tick in ticks}


def _note_end(tick: ScheduleTick, schedule: Schedule) -> None:
    tick.state = _state_after(tick.run)
    tick.ended_at = tick.run.ended_at if tick.run is not None else tick.created_at
    if tick.run is None:
        tick.reason, tick.reason_parts = told(Wording("Its run was deleted.")).values()
        tick.save(update_fields=["reason", "reason_parts"])
    if tick.is_by_hand:
        return
    if tick.state == ScheduleTick.State.FAILED:
        count_failure(schedule)
    elif tick.state == ScheduleTick.State.SUCCEEDED:
        schedule.failures = 0


def _state_after(run: Run | None) -> ScheduleTick.State:
    if run is None or run.status == Run.Status.CANCELLED:
        return ScheduleTick.State.CANCELLED
    if run.status == Run.Status.COMPLETED and not run.could_not:
        return ScheduleTick.State.SUCCEEDED
    return ScheduleTick.State.FAILED
