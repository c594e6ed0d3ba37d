"""What a process leaves alone for a while: people at a launch limit, and schedules whose ticks end in an error."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from runs.engine.limits.launch_rate import TooManyLaunches
from runs.models import Schedule

LONGEST: Final = timedelta(minutes=2)
"""A time that is further away is of a clock that was set back since, and does not count."""


class Postponed:
    """In memory only: what is lost with the process is found to be so again."""

    def __init__(self) -> None:
        self._owners: dict[int, datetime] = {}
        self._schedules: dict[UUID, datetime] = {}

    def note_limit(self, schedule: Schedule, limit: TooManyLaunches, now: datetime) -> None:
        """Leave the schedules of its owner alone until they may launch again."""
        if schedule.user_id is not None:
            self._owners[schedule.user_id] = now + timedelta(seconds=limit.retry_after_s)

    def postpone_schedule(self, schedule_id: UUID, until: datetime) -> None:
        """Leave this schedule alone until then."""
        self._schedules[schedule_id] = until

    def owners(self, now: datetime) -> list[int]:
        """The people whose schedules are left alone at `now`."""
        self._owners = {each: until for each, until in self._owners.items() if now < until <= now + LONGEST}
        return list(self._owners)

    def schedules(self, now: datetime) -> list[UUID]:
        """The schedules that are left alone at `now`."""
        self._schedules = {each: until for each, until in self._schedules.items() if now < until <= now + LONGEST}
        return list(self._schedules)

    def next_end(self) -> datetime | None:
        """When the first of them is looked at again; None if nothing is postponed."""
        return min((*self._owners.values(), *self._schedules.values()), default=None)
