"""What a tick does: launch a run, stop the one before it, wait, or nothing. The row of its schedule is locked."""

from datetime import datetime
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.db import transaction

from runs.agent.task_templates.values import InputsRefused
from runs.agent.wording import Wording
from runs.engine.control.cancel import cancel
from runs.engine.control.launch import launch
from runs.engine.control.template_launch import launch_template
from runs.engine.limits.launch_rate import TooManyLaunches
from runs.engine.schedules.schedule_states import count_failure, enter, skip_waiting, told
from runs.languages import in_english
from runs.models import Run, Schedule, ScheduleTick
from runs.recurrence.overlap import MOST_WAITING, Action, Overlap, action_of

REFUSALS: Final = (ValueError, PermissionDenied)
"""What a launch raises that a person can do something about."""

STILL_AT_WORK: Final = Wording("The run before it was still at work.")
"""Why a tick is skipped."""


class LaunchImpossible(ValueError):
    """The agent or the template of a schedule is gone. The message, a `Wording`, is for the person."""


def begin_tick(schedule: Schedule, due_at: datetime) -> None:
    """Do what the overlap policy says for this tick, unless something was done for it before.

    Raises `TooManyLaunches`, and then has done nothing.
    """
    if schedule.ticks.filter(due_at=due_at).exists():
        return  # The clock was set back, and the schedule has been planned anew since.
    tick = ScheduleTick(schedule=schedule, due_at=due_at)
    overlap = Overlap(schedule.overlap)
    waiting = schedule.ticks.filter(state=ScheduleTick.State.WAITING).count() if overlap is Overlap.QUEUE else 0
    action = action_of(overlap, is_at_work=schedule.runs.unfinished().exists(), waiting=waiting)
    match action:
        case Action.WAIT:
            tick.state = ScheduleTick.State.WAITING
            tick.save()
        case Action.SKIP:
            skipped(tick, STILL_AT_WORK).save()
        case Action.QUEUE_FULL:
            skipped(tick, Wording("%(most)s ticks were waiting, and that is the limit.", most=MOST_WAITING)).save()
        case Action.LAUNCH:
            launch_tick(tick)
        case Action.STOP_AND_LAUNCH:
            with transaction.atomic():
                _stop_runs(schedule)
                launch_tick(tick)


def launch_tick(tick: ScheduleTick) -> None:
    """Launch the run of a tick, new or one that has waited. What refuses the launch is stored as its reason.

    Raises `TooManyLaunches`: that is over soon, and the tick can launch then.
    """
    schedule = tick.schedule
    try:
        with transaction.atomic():
            tick.run = launch_of(schedule)
    except TooManyLaunches:
        raise
    except REFUSALS as refusal:
        tick.state = ScheduleTick.State.REFUSED
        for column, value in told(_reason(refusal)).items():
            setattr(tick, column, value)
        tick.save()
        count_failure(schedule)
        return
    tick.state = ScheduleTick.State.AT_WORK
    tick.save()
    schedule.runs_launched += 1
    if schedule.max_runs is not None and schedule.runs_launched >= schedule.max_runs:
        if schedule.is_active:
            enter(schedule, Schedule.State.ENDED)
        skip_waiting(schedule, Wording("The schedule has ended."))


def launch_of(schedule: Schedule) -> Run:
    """A new run of the schedule, its owner's. Raises what `launch` and `launch_template` raise, and
    `LaunchImpossible`."""
    common: dict[str, Any] = {"user": schedule.user, "version": schedule.version, "schedule": schedule}
    if schedule.inputs is not None:
        if schedule.template is None:
            raise LaunchImpossible(Wording("Its template was deleted."))
        return launch_template(template=schedule.template, inputs=schedule.inputs, **common)
    if schedule.agent is None:
        raise LaunchImpossible(Wording("Its agent was deleted."))
    return launch(task=schedule.task, agent=schedule.agent, **common)


def _reason(refusal: Exception) -> str:
    """The message: a wording, or a text that is translated when it is used and stored in English."""
    if isinstance(refusal, InputsRefused):
        return Wording.paragraph(*refusal.errors.values())
    message = refusal.args[0] if refusal.args else ""
    return message if isinstance(message, Wording) else in_english(message or refusal)


def skipped(tick: ScheduleTick, reason: Wording) -> ScheduleTick:
    """The tick, skipped, which is not saved yet."""
    tick.state = ScheduleTick.State.SKIPPED
    tick.reason, tick.reason_parts = told(reason).values()
    return tick


def _stop_runs(schedule: Schedule) -> None:
    """Stop what its ticks and people have launched, in the name of the schedule's owner."""
    for run_id in schedule.runs.unfinished().order_by("pk").values_list("pk", flat=True):
        cancel(run_id, by=schedule.user)
