"""Schedules: runs that the clock launches, each tick once, and what people do with a schedule."""

from runs.engine.schedules.schedule_changes import (
    ScheduleRefused,
    delete_schedule,
    pause_schedule,
    resume_schedule,
    run_now,
)
from runs.engine.schedules.schedule_storage import ScheduleFaults, ScheduleInvalid, ScheduleValues, save_schedule
from runs.engine.schedules.schedule_sweep import ScheduleSweep, sweep_schedules
from runs.engine.schedules.tick_launches import LaunchImpossible

__all__ = [
    "LaunchImpossible",
    "ScheduleFaults",
    "ScheduleInvalid",
    "ScheduleRefused",
    "ScheduleSweep",
    "ScheduleValues",
    "delete_schedule",
    "pause_schedule",
    "resume_schedule",
    "run_now",
    "save_schedule",
    "sweep_schedules",
]
