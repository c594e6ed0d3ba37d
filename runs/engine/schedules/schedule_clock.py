"""The clock of a host: it sweeps the schedules when a tick is due, and at every interval."""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from django.db import DatabaseError, InterfaceError, connection

from runs.agent.stored_sentences import COMMAND_LINE
from runs.agent.text import counted
from runs.engine.db_clock import database_now
from runs.engine.host_timings import DEFAULT_TIMINGS, HostTimings
from runs.engine.operations.alerts import Alert, Alerts
from runs.engine.queueing.local_host import Host
from runs.engine.schedules.due_schedules import next_launch_at
from runs.engine.schedules.postponed import Postponed
from runs.engine.schedules.schedule_sweep import ScheduleSweep
from runs.engine.writing.request_priority import REQUEST_PRIORITY
from runs.models import Schedule

LONGEST_PAUSE_S = 0.25
"""Before one step, while pages are asked for: a step takes as long as half a page. Under continuous requests there are
still three a second, with 25 ticks each."""

logger = logging.getLogger(__name__)


class ScheduleClock:
    """Launches what is due. Belongs to the loop of its host; several processes may have one each."""

    def __init__(self, host: Host, alerts: Callable[[], Alerts], timings: HostTimings = DEFAULT_TIMINGS) -> None:
        self._host = host
        self._alerts = alerts
        self._timings = timings
        self._postponed = Postponed()
        self._news = asyncio.Event()

    async def run_for_ever(self) -> None:
        """Sweep at every tick that is due, when a schedule has changed, and at every interval: messages may be lost."""
        while True:
            pause_s = self._timings.sweep_every_s
            try:
                pause_s = await self.sweep()
            except (DatabaseError, InterfaceError) as error:
                logger.warning("The schedules could not be read, trying again: %s", error)
                await self._host.read(_close_connection)
            await asyncio.sleep(self._timings.sweep_pause_s)
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, pause_s - self._timings.sweep_pause_s)):
                    await self._news.wait()
            self._news.clear()

    def look_again(self) -> None:
        """Sweep soon: a schedule was made or changed."""
        self._news.set()

    async def sweep(self) -> float:
        """Do what is due, one transaction at a time. After each the clock rests, so that pages and claims of runs have
        their turn. Returns the seconds until there may be more to do."""
        now = await self._host.read(database_now)
        sweep = await self._host.read(partial(ScheduleSweep, now, self._postponed))
        while (busy_s := await self._host.read(partial(_timed_step, sweep))) is not None:
            while sweep.stopped:
                self._alerts().tell(_alert_about(sweep.stopped.pop()))
            await asyncio.sleep(busy_s * self._timings.schedules_rest)
        if sweep.is_full:
            return 0.0
        return await self._host.read(self._pause_s)

    def _pause_s(self) -> float:
        now = database_now()
        following = next_launch_at(now, self._postponed)
        ends = [each for each in (following, self._postponed.next_end()) if each is not None]
        return min([self._timings.sweep_every_s, *((each - now).total_seconds() for each in ends)])


def _timed_step(sweep: ScheduleSweep) -> float | None:
    """Do a step, after the page requests in progress. Returns the processor's seconds that it took; None without one.

    What the clock of the wall says would let it rest the longer, the busier the process is.
    """
    if not sweep.has_step:
        return None
    REQUEST_PRIORITY.yield_to_requests(LONGEST_PAUSE_S)
    began = time.thread_time()
    sweep.step()
    return time.thread_time() - began


def _alert_about(schedule: Schedule) -> Alert:
    owner = schedule.owner_name or COMMAND_LINE.lower()
    failures = counted(schedule.failures, "failure")
    message = f"The schedule {schedule.name!r} of {owner} has stopped after {failures} in a row."
    action = "Look at its history, mend what failed, and resume it."
    return Alert("schedule_stopped", message, about=(schedule.name,), suggested_action=action)


def _close_connection() -> None:
    """Close this thread's connection. A bound `connection.close` would be that of the caller's thread."""
    connection.close()
