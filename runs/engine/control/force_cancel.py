"""Forcing the end of a run whose host does not stop."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from django.db.models.functions import Now

from runs.engine.control.cancel import cancel_at_once, end_cancelled, end_open_calls
from runs.engine.control.permission_checks import check_may
from runs.engine.control.step_log import add_step, name_of
from runs.engine.control.tree_lock import in_locked_tree
from runs.engine.control.tree_wakes import wake_parent
from runs.engine.db_clock import database_now
from runs.engine.recording.run_activity import stop_report_of
from runs.engine.recording.stop_report import stop_report_thought
from runs.engine.writing.writes import Totals
from runs.models import Run, Step
from runs.models.permissions import may_stop
from runs.models.run import FORCE_AFTER

ForceOutcome = Literal["forced", "cancelled", "already_ended", "not_asked", "too_early"]


def force(run_id: UUID, *, by: Any) -> ForceOutcome:
    """End a run whose host does not, and those below it: the host's next write is refused, and what the host still does
    is unknown.

    "forced": the run is cancelled. "cancelled": it had no host, so nothing had to be forced. "not_asked": a stop must
    be requested first. "too_early": see `can_be_forced_at`. "already_ended". The last three change nothing. Raises
    `PermissionDenied` and `Run.DoesNotExist`.
    """

    def end(run: Run, below: list[Run]) -> ForceOutcome:
        check_may(may_stop, by, run)
        outcome = _force_one(run, name_of(by))
        if outcome in ("forced", "cancelled"):
            for each in below:
                _force_one(each, name_of(by))
            wake_parent(run)
        return outcome

    return in_locked_tree(run_id, end)


def _force_one(run: Run, name: str) -> ForceOutcome:
    if run.is_finished:
        return "already_ended"
    if run.owner is None:
        cancel_at_once(run, name)
        return "cancelled"
    if run.cancel_requested_at is None:
        return "not_asked"
    if database_now() < can_be_forced_at(run) and not _lease_has_expired(run):
        return "too_early"
    run.epoch += 1  # From here on its host is fenced.
    stop = stop_report_of(run, forced_by=name)
    end_open_calls(run)
    ending = stop_report_thought(run.pk, stop, Totals.of(run))
    add_step(run, Step.Kind.NOTE, ending.content, ending.payload)
    end_cancelled(run)
    return "forced"


def can_be_forced_at(run: Run) -> datetime:
    """The earliest time to force a run after a stop request. Raises `ValueError` if no stop was requested."""
    if run.cancel_requested_at is None:
        raise ValueError(f"Run {run.pk} has not been asked to stop.")
    return run.cancel_requested_at + FORCE_AFTER


def _lease_has_expired(run: Run) -> bool:
    # Leases are measured with the database's clock.
    return run.lease_until is not None and Run.objects.filter(pk=run.pk, lease_until__lt=Now()).exists()
