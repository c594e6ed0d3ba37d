"""Trials: a run that was lost twice in a row with its host is hosted with care until it makes progress.

A process may be killed from outside, again and again, and the runs it hosted look the same as one that has killed it.
A trial tells them apart: it begins only in a process that has lived for a while without the run, longer for a run that
was lost in a trial, and beside few others. A process that dies whatever it hosts dies before the trial begins.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import F

from runs.engine.host_timings import DEFAULT_TIMINGS, HostTimings
from runs.models import Run, ToolCall

MAX_CRASHES: Final = 4
"""Times a run was lost at work with its host, or could not be stored, since it last made progress. The last ends it:
`poison`."""
FIRST_TRIAL: Final = 2
"""Crashes from which a run is on trial."""


@dataclass(frozen=True, slots=True)
class TrialLimits:
    """Which runs a host may try now."""

    max_crashes: int
    """Runs lost more often are not tried yet."""
    at_once: int


class CrashTrials:
    """The trials of one host. Belongs to its loop."""

    def __init__(self, timings: HostTimings = DEFAULT_TIMINGS) -> None:
        self._since = time.monotonic()
        self._waits_s = (timings.trial_after_s, timings.second_trial_after_s)
        self._lasts_s = timings.trial_lasts_s
        self._on_trial: dict[UUID, float] = {}
        """When each began, on the monotonic clock."""
        self._passed = 0

    @property
    def limits(self) -> TrialLimits:
        """The limits at present. Each run that makes progress lets one more be tried at a time: after an outage there
        may be hundreds, and a trial takes as long as a reply of a model. So does a run that has been tried for long."""
        now = time.monotonic()
        max_crashes = FIRST_TRIAL - 1 + sum(now >= self._since + wait_s for wait_s in self._waits_s)
        long_tried = sum(now >= began + self._lasts_s for began in self._on_trial.values())
        return TrialLimits(max_crashes=max_crashes, at_once=1 + self._passed + long_tried)

    def begin(self, run: Run) -> None:
        """Note that a run is hosted, if it is on trial."""
        if is_on_trial(run.crashes):
            self._on_trial[run.pk] = time.monotonic()

    def end(self, run_id: UUID, *, is_progress: bool = False) -> bool:
        """Note that a run has made progress, or has left. False if it was not on trial."""
        if self._on_trial.pop(run_id, None) is None:
            return False
        self._passed += is_progress
        return True


def is_on_trial(crashes: int) -> bool:
    """True for a run that is lost so often that it is on trial; one that is lost more often is not started again."""
    return FIRST_TRIAL <= crashes < MAX_CRASHES


def crashes_of(runs: Iterable[Run]) -> dict[UUID, int]:
    """The crashes of each run by its id, the last loss included: that counts if the run was at work in its host.

    A run was not if its last host had only begun to resume it, which its last step tells, or if it slept until the next
    attempt of a model call.
    """
    crashes = {run.pk: run.crashes for run in runs}
    lost = [run for run in runs if run.owner is not None]
    resumed = [run.pk for run in lost if run.crashes]
    asleep = [run.pk for run in lost if run.status == Run.Status.WAITING]
    at_work = {run.pk for run in lost} - _without_step(resumed) - _without_calls(asleep)
    return crashes | {run_id: crashes[run_id] + 1 for run_id in at_work}


def _without_step(ids: list[UUID]) -> set[UUID]:
    """Those of which the last claim has no step: a resumed run begins when the note that says so is stored."""
    if not ids:
        return set()
    last = Run.objects.filter(pk__in=ids, steps__sequence=F("next_sequence") - 1, steps__epoch=F("epoch"))
    return set(ids) - set(last.values_list("pk", flat=True))


def _without_calls(ids: list[UUID]) -> set[UUID]:
    """Those without a call at work."""
    if not ids:
        return set()
    started = ToolCall.objects.filter(run__in=ids, state=ToolCall.State.STARTED)
    return set(ids) - set(started.values_list("run_id", flat=True))
