"""Storing schedules: each is checked as a whole, so that what can be known before fails in the form."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db import transaction

from runs.agent.json_data.json_values import check_storable_json
from runs.agent.task_templates.values import InputsRefused
from runs.agent.wording import Wording
from runs.engine.control.agent_changes import AgentRefused
from runs.engine.control.agent_choice import choice_of
from runs.engine.control.template_launch import fill
from runs.engine.db_clock import database_now
from runs.engine.operations import fault_points
from runs.engine.queueing.dispatch import announce_schedules
from runs.engine.schedules.schedule_changes import ScheduleRefused, activate
from runs.models import Agent, Schedule, TaskTemplate
from runs.models.bounds import MAX_TASK_BYTES
from runs.models.permissions import NOT_LAUNCHED, may_change_schedule, may_launch, refusal_of_schedule
from runs.models.schedule import MAX_JITTER_S, MAX_SCHEDULE_NAME_CHARS, MOST_FAILURES, MOST_RUNS
from runs.recurrence.cron import RecurrenceRefused, checked_zone
from runs.recurrence.due_ticks import MOST_CAUGHT_UP
from runs.recurrence.phrases import cron_of

MOST_SCHEDULES: Final = 20_000
"""Of one person, who may be a program that keeps all schedules of a site: twice of what is measured to launch in one
minute (`tests/benchmarks/schedules.py`). Each can have a tick, and a line in its history, every minute."""
_ENDS: Final = (datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC))
"""Between these a schedule ends: a moment at the edge of the calendar has no time in the zones on one side of it."""
_BOUNDS: Final = {
    "jitter_s": (0, MAX_JITTER_S),
    "most_caught_up": (1, MOST_CAUGHT_UP),
    "max_runs": (1, MOST_RUNS),
    "stop_after": (1, MOST_FAILURES),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleValues:
    """What a person says of a schedule. A template brings its agent; without one there is an agent and a task."""

    name: str
    when: str
    time_zone: str
    agent: Agent | None = None
    version: str = ""
    template: TaskTemplate | None = None
    inputs: Mapping[str, Any] = field(default_factory=dict)
    task: str = ""
    jitter_s: int = 0
    overlap: str = Schedule.Overlap.SKIP
    catch_up: str = Schedule.CatchUp.LATEST
    most_caught_up: int = 10
    ends_at: datetime | None = None
    max_runs: int | None = None
    stop_after: int | None = 3


@dataclass(slots=True)
class ScheduleFaults:
    """What is wrong with a schedule."""

    by_field: dict[str, Wording] = field(default_factory=dict)
    """By the name in `ScheduleValues`: the first fault of each."""
    by_input: dict[str, Wording] = field(default_factory=dict)
    """By the name of the template's input."""

    def add(self, name: str, words: str) -> None:
        """Add a fault of a field, unless it has one."""
        self.by_field.setdefault(name, words if isinstance(words, Wording) else Wording.paragraph(words))

    def __bool__(self) -> bool:
        return bool(self.by_field or self.by_input)

    def __str__(self) -> str:
        return "\n".join(f"{name}: {words}" for name, words in (*self.by_field.items(), *self.by_input.items()))


class ScheduleInvalid(ValueError):
    """The schedule is not stored. The message has a line in English for each of its `faults`."""

    def __init__(self, faults: ScheduleFaults) -> None:
        super().__init__(str(faults))
        self.faults = faults


def save_schedule(schedule: Schedule | None, values: ScheduleValues, *, by: Any) -> Schedule:
    """Store the values in `schedule`, or in a new one of `by`, and plan its next tick from now on.

    One that is paused or has stopped stays so; one that has ended is active again. Raises `ScheduleInvalid` with all
    faults, `PermissionDenied` for whoever is not its owner or may not launch, and `Schedule.DoesNotExist`.
    """
    if not may_launch(by):
        raise PermissionDenied(NOT_LAUNCHED)
    if schedule is not None and not may_change_schedule(by, schedule):
        raise PermissionDenied(refusal_of_schedule())
    faults = ScheduleFaults()
    columns = _columns(values, faults, by=by)
    if faults:
        raise ScheduleInvalid(faults)
    with transaction.atomic():
        row = _new(by) if schedule is None else Schedule.objects.select_for_update().get(pk=schedule.pk)
        for column, value in columns.items():
            setattr(row, column, value)
        if row.state in (Schedule.State.ACTIVE, Schedule.State.ENDED):
            failures = row.failures
            try:
                activate(row, by=by)
            except ScheduleRefused as refusal:
                faults.add("max_runs" if row.timing.after(database_now()) is not None else "ends_at", refusal.args[0])
                raise ScheduleInvalid(faults) from refusal
            row.failures = failures
        row.save()
        fault_points.at_commit("schedule")
        announce_schedules()
    return row


def _new(by: Any) -> Schedule:
    """A schedule of `by` that is not stored. Raises `ScheduleInvalid` if they have too many."""
    if by is not None:
        get_user_model().objects.select_for_update(no_key=True).get(pk=by.pk)
        if Schedule.objects.filter(user=by).count() >= MOST_SCHEDULES:
            faults = ScheduleFaults()
            faults.add("name", Wording("You have %(most)s schedules, and that is the limit.", most=MOST_SCHEDULES))
            raise ScheduleInvalid(faults)
    return Schedule(user=by)


def _columns(values: ScheduleValues, faults: ScheduleFaults, *, by: Any) -> dict[str, Any]:
    """The columns, as far as there is no fault."""
    columns: dict[str, Any] = {"name": " ".join(values.name.split()), "when": " ".join(values.when.split())}
    if not columns["name"]:
        faults.add("name", Wording("Give it a name."))
    if len(columns["name"]) > MAX_SCHEDULE_NAME_CHARS:
        faults.add("name", Wording("At most %(most)s characters.", most=MAX_SCHEDULE_NAME_CHARS))
    for name, check in (("when", cron_of), ("time_zone", checked_zone)):
        try:
            columns["cron" if name == "when" else name] = check(getattr(values, name))
        except RecurrenceRefused as refusal:
            faults.add(name, refusal.args[0])
    _check_bounds(values, faults)
    columns |= {name: getattr(values, name) for name in (*_BOUNDS, "overlap", "catch_up", "ends_at")}
    columns |= _launched_columns(values, faults, by=by)
    for name in ("name", "when", "task"):
        try:
            check_storable_json(getattr(values, name))
        except ValueError:
            faults.add(name, Wording("It has a character that cannot be stored."))
    return columns


def _check_bounds(values: ScheduleValues, faults: ScheduleFaults) -> None:
    for name, (least, most) in _BOUNDS.items():
        number = getattr(values, name)
        if number is not None and not least <= number <= most:
            words = Wording("A whole number from %(least)s to %(most)s.", least=least, most=most)
            faults.add(name, words)
    if values.ends_at is not None and not _ENDS[0] <= values.ends_at < _ENDS[1]:
        faults.add("ends_at", Wording("It must be a date and a time."))
    for name, choices in (("overlap", Schedule.Overlap), ("catch_up", Schedule.CatchUp)):
        if getattr(values, name) not in choices.values:
            faults.add(name, Wording("One of %(choices)s.", choices=", ".join(choices.values)))


def _launched_columns(values: ScheduleValues, faults: ScheduleFaults, *, by: Any) -> dict[str, Any]:
    """What it launches."""
    agent = values.template.agent if values.template is not None else values.agent
    if agent is None:
        faults.add("agent", Wording("Choose an agent."))
    else:
        try:
            choice_of(agent, values.version, by=by)
        except AgentRefused as refusal:
            faults.add("version" if agent.archived_at is None else "agent", refusal.args[0])
    launched: dict[str, Any] = {"agent": agent, "version": values.version, "template": values.template}
    if values.template is None:
        _check_task(values.task, faults)
        return launched | {"task": values.task, "inputs": None}
    try:
        fill(values.template, values.inputs, by=by)
    except InputsRefused as refusal:
        faults.by_input |= refusal.errors
    return launched | {"task": "", "inputs": dict(values.inputs)}


def _check_task(task: str, faults: ScheduleFaults) -> None:
    if not task.strip():
        faults.add("task", Wording("Type what the agent should do."))
    elif len(task.encode(errors="replace")) > MAX_TASK_BYTES:
        most = MAX_TASK_BYTES // 1024
        faults.add("task", Wording("The task is longer than the %(most)s KiB that are taken.", most=most))
