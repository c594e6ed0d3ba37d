"""The ends of runs that schedules have launched: what each tick came to, and failures in a row."""

from django.db.models import F, Q

from runs.agent.wording import Wording
from runs.engine.schedules.schedule_states import count_failure, told
from runs.models import Run, Schedule, ScheduleTick

HAS_ENDED = Q(state=ScheduleTick.State.AT_WORK) & (Q(run=None) | Q(run__status__in=Run.FINAL))


def note_ended_runs(schedule: Schedule) -> None:
    """Note what became of the runs at work, in the order of their ends. The schedule's row is locked, and the caller
    saves it."""
    ended = schedule.ticks.filter(HAS_ENDED).select_related("run")
    for tick in ended.order_by(F("run__ended_at").asc(nulls_first=True), "due_at"):
        tick.state = _state_after(tick.run)
        tick.ended_at = tick.run.ended_at if tick.run is not None else tick.created_at
        if tick.run is None:
            tick.reason, tick.reason_parts = told(Wording("Its run was deleted.")).values()
        tick.save(update_fields=["state", "ended_at", "reason", "reason_parts"])
        if tick.is_by_hand:
            continue
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
