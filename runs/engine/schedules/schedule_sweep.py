"""The sweep over schedules: runs that have ended, ticks that have waited for that, and ticks that are due.

The row of a tick, the run that it launches and the next due time of its schedule are committed together, with the
schedule's row locked; several schedules share a transaction where that is simple. Several processes may sweep at once.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

from django.db import InterfaceError, OperationalError

from runs.engine.db_clock import database_now
from runs.engine.schedules import due_schedules as due
from runs.engine.schedules.postponed import Postponed
from runs.engine.schedules.tick_batches import BATCH, in_locked_rows, note_ends_together, take_due_together
from runs.models import Schedule

logger = logging.getLogger(__name__)

AGAIN_AFTER: Final = timedelta(seconds=60)
"""When a schedule is looked at again whose ticks end in an error of ours."""

Work = Callable[[Schedule], None]
WorkTogether = Callable[[list[Schedule]], list[UUID]]


class ScheduleSweep:
    """What there is to do at one moment, for up to `MOST_A_SWEEP` schedules of each kind, in steps of a transaction."""

    def __init__(self, now: datetime, postponed: Postponed) -> None:
        self._now, self._postponed = now, postponed
        self._steps: deque[Callable[[], None]] = deque()
        self.stopped: list[Schedule] = []
        """Those that have stopped after failures, with the steps so far."""
        ended, waiting = due.with_ended_runs(now, postponed), due.with_waiting_ticks(now, postponed)
        launching = due.due_schedules(now, postponed)
        self.schedules = len(ended) + len(waiting) + len(launching)
        """How many there was something to do for."""
        self.is_full = max(len(ended), len(waiting), len(launching)) >= due.MOST_A_SWEEP
        """True if there may be more to do now."""
        take = partial(due.take_due, now=now, postponed=postponed)
        self._add_batches(ended, note_ends_together, due.note_ends)
        self._add_each(waiting, partial(due.go_on_with_queue, now=now, postponed=postponed))
        self._add_batches(launching, partial(take_due_together, now=now, postponed=postponed), take)

    @property
    def has_step(self) -> bool:
        """False once all is done."""
        return bool(self._steps)

    def step(self) -> bool:
        """Do the next step. False if there was none."""
        if not self._steps:
            return False
        self._steps.popleft()()
        return True

    def _add_each(self, ids: Iterable[UUID], work: Work) -> None:
        self._steps.extend(partial(self._do_alone, each, work) for each in ids)

    def _add_batches(self, ids: Sequence[UUID], together: WorkTogether, alone: Work) -> None:
        if len(ids) == 1:
            self._add_each(ids, alone)
            return
        batches = (ids[at : at + BATCH] for at in range(0, len(ids), BATCH))
        self._steps.extend(partial(self._do_together, each, together, alone) for each in batches)

    def _do_together(self, ids: Sequence[UUID], together: WorkTogether, alone: Work) -> None:
        try:
            result = in_locked_rows(ids, together)
        except (OperationalError, InterfaceError):
            raise
        except Exception:  # One of them is to blame: alone, it does not keep the others from their ticks.
            logger.exception("%d schedules could not be dealt with together; each is tried alone.", len(ids))
            self._steps.extendleft(partial(self._do_alone, each, alone) for each in reversed(ids))
            return
        self.stopped += result.stopped
        self._steps.extendleft(partial(self._do_alone, each, alone) for each in reversed(result.alone))

    def _do_alone(self, schedule_id: UUID, work: Work) -> None:
        try:
            stopped = due.in_locked_row(schedule_id, work)
        except (OperationalError, InterfaceError):
            raise
        except Exception:  # An error of ours, which the log has: the others go on, and this one is tried again.
            logger.exception("The schedule %s could not be dealt with.", schedule_id)
            self._postponed.postpone_schedule(schedule_id, self._now + AGAIN_AFTER)
            return
        if stopped is not None:
            self.stopped.append(stopped)


def sweep_schedules(now: datetime | None = None, postponed: Postponed | None = None) -> ScheduleSweep:
    """Do all that is due at `now`, by default the database's clock: for up to `MOST_A_SWEEP` schedules of each kind."""
    sweep = ScheduleSweep(now or database_now(), postponed or Postponed())
    while sweep.step():
        pass
    return sweep
