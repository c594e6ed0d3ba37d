"""The states of a schedule whose row is locked. The caller saves it with `STATE_COLUMNS`."""

from datetime import datetime
from typing import Any, Final

from django.utils import timezone

from runs.agent.wording import Wording, said_in
from runs.engine.notifications import outbox as notifications
from runs.models import NotificationRule, Schedule, ScheduleTick

STATE_COLUMNS: Final = (
    *("state", "state_note", "state_changed_at", "state_changed_by", "next_tick_at", "launch_at"),
    *("runs_launched", "failures"),
)


def plan(schedule: Schedule, next_tick: datetime | None) -> None:
    """Let an active schedule wait for its next tick; it ends if there is none."""
    if next_tick is None:
        enter(schedule, Schedule.State.ENDED)
    else:
        schedule.next_tick_at, schedule.launch_at = next_tick, schedule.timing.launch_at(next_tick)


def enter(schedule: Schedule, state: Schedule.State, *, by: Any = None, note: str = "") -> None:
    """Enter a state. One without ticks to come has no next one."""
    schedule.state, schedule.state_note, schedule.state_changed_by = state, note, by
    schedule.state_changed_at = timezone.now()
    if state != Schedule.State.ACTIVE:
        schedule.next_tick_at = schedule.launch_at = None


def count_failure(schedule: Schedule) -> bool:
    """Count a failure. True if the schedule has stopped with it."""
    schedule.failures += 1
    if schedule.stop_after is None or schedule.failures < schedule.stop_after or not schedule.is_active:
        return False
    enter(schedule, Schedule.State.STOPPED)
    skip_waiting(schedule, Wording("The schedule has stopped after failures."))
    _tell_of_stop(schedule)
    return True


def _tell_of_stop(schedule: Schedule) -> None:
    """Write what the rules of people tell of it."""
    notifications.note_event(
        NotificationRule.Event.SCHEDULE_STOPPED,
        key=f"{schedule.pk}:{schedule.state_changed_at.isoformat()}",
        user_id=schedule.user_id,
        title=schedule.name,
        text="",
        path=schedule.get_absolute_url(),
    )


def skip_waiting(schedule: Schedule, reason: Wording) -> None:
    """Skip the ticks that wait."""
    waiting = schedule.ticks.filter(state=ScheduleTick.State.WAITING)
    waiting.update(state=ScheduleTick.State.SKIPPED, **told(reason))


def told(reason: str) -> dict[str, Any]:
    """The columns of a tick's reason."""
    return {"reason": str(reason), "reason_parts": said_in(reason)}
