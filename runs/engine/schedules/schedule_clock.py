"""The clock of a host: it sweeps the schedules when a tick is due, and at every interval."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial

from django.db import DatabaseError, InterfaceError, connection

from runs.agent.stored_sentences import COMMAND_LINE
from runs.agent.text import counted
from runs.engine.db_clock import database_now
from runs.engine.host_timings import DEFAULT_TIMINGS, HostTimings
from runs.engine.operations.alerts import Alert, Alerts
from runs.engine.queueing.local_host import Host
from runs.engine.schedules.due_schedules import Swept, next_launch_at, steps_at
from runs.models import Schedule

logger = logging.getLogger(__name__)


class ScheduleClock:
    """Launches what is due. Belongs to the loop of its host; several processes may have one each."""

    def __init__(self, host: Host, alerts: Callable[[], Alerts], timings: HostTimings = DEFAULT_TIMINGS) -> None:
        self._host = host
        self._alerts = alerts
        self._timings = timings

    async def run_for_ever(self) -> None:
        """Sweep at every tick that is due, and at every interval: then what other processes have changed is found."""
        while True:
            pause_s = self._timings.sweep_every_s
            try:
                pause_s = await self.sweep()
            except (DatabaseError, InterfaceError) as error:
                logger.warning("The schedules could not be read, trying again: %s", error)
                await self._host.read(_close_connection)
            await asyncio.sleep(max(self._timings.sweep_pause_s, pause_s))

    async def sweep(self) -> float:
        """Do what is due, one transaction at a time so that claims of runs come in between. Returns the seconds until
        there may be more to do."""
        swept = Swept()
        now = await self._host.read(database_now)
        for step in await self._host.read(partial(steps_at, now, swept)):
            if (stopped := await self._host.read(step)) is not None:
                self._alerts().tell(_alert_about(stopped))
        if swept.is_full:
            return 0.0
        return await self._host.read(self._pause_s)

    def _pause_s(self) -> float:
        following = next_launch_at()
        if following is None:
            return self._timings.sweep_every_s
        return min(self._timings.sweep_every_s, (following - database_now()).total_seconds())


def _alert_about(schedule: Schedule) -> Alert:
    owner = schedule.owner_name or COMMAND_LINE.lower()
    failures = counted(schedule.failures, "failure")
    message = f"The schedule {schedule.name!r} of {owner} has stopped after {failures} in a row."
    action = "Look at its history, mend what failed, and resume it."
    return Alert("schedule_stopped", message, about=(schedule.name,), suggested_action=action)


def _close_connection() -> None:
    """Close this thread's connection. A bound `connection.close` would be that of the caller's thread."""
    connection.close()
