"""Cancelling a run: at once, or by its host."""

from typing import Any, Literal
from uuid import UUID

from django.utils import timezone

from runs.agent.payloads.steps import ToolResultPayload
from runs.agent.wording import Wording
from runs.engine.control.permission_checks import check_may
from runs.engine.control.step_log import add_step, name_of, place_of
from runs.engine.control.tree_lock import in_locked_tree
from runs.engine.control.tree_wakes import wake_parent
from runs.engine.db_clock import database_now
from runs.engine.notifications import run_changes
from runs.engine.operations import fault_points
from runs.engine.queueing.dispatch import announce, tell
from runs.engine.recording.call_endings import ending_of, without_result
from runs.engine.recording.parallel_calls import parallel_calls_of
from runs.engine.recording.run_activity import stop_report_of
from runs.engine.recording.stop_report import asked_payload, running_words, stop_report_at_once
from runs.models import Question, Run, Step
from runs.models.permissions import may_stop

CancelOutcome = Literal["cancelled", "asked", "already_ended"]


def cancel(run_id: UUID, *, by: Any) -> CancelOutcome:
    """Stop a run for good, and all runs below it.

    "cancelled": it had no host and is cancelled. "asked": its host has been told. "already_ended": nothing changed.
    A second request changes nothing. Raises `PermissionDenied` and `Run.DoesNotExist`.
    """

    def stop(run: Run, below: list[Run]) -> CancelOutcome:
        check_may(may_stop, by, run)
        if run.is_finished:
            return "already_ended"
        for each in below:
            stop_one(each, name_of(by))
        outcome = stop_one(run, name_of(by))
        wake_parent(run)
        return outcome

    return in_locked_tree(run_id, stop)


def stop_one(run: Run, name: str) -> CancelOutcome:
    """The same for this run alone, whose row is locked. `name` is that of who stops it."""
    if run.is_finished:
        return "already_ended"
    if run.owner is None:
        cancel_at_once(run, name)
        return "cancelled"
    if run.cancel_requested_at is None:
        stop = stop_report_of(run)
        asked = Wording("%(name)s asked to stop the run.", name=name)
        words = Wording.paragraph(asked, running_words(stop))
        add_step(run, Step.Kind.NOTE, words, asked_payload(run, stop, name))
        run.cancel_requested_at = database_now()
        run.save(update_fields=["cancel_requested_at", "next_sequence"])
        fault_points.at_commit("cancel_asked")
        announce(run.pk, run.last_sequence)
    tell(run.owner, run.pk, "run.cancel")
    return "asked"


def cancel_at_once(run: Run, name: str) -> None:
    """Cancel a run without a host. Its row is locked."""
    words, payload = stop_report_at_once(run, name)
    end_open_calls(run)
    add_step(run, Step.Kind.NOTE, words, payload)
    end_cancelled(run)


def end_cancelled(run: Run) -> None:
    """Store the end of a stopped run, whose open calls and last step are recorded. Its row is locked."""
    now = timezone.now()
    run.status, run.waiting_for, run.owner, run.lease_until = Run.Status.CANCELLED, "", None, None
    run.cancel_requested_at, run.pause_requested_at, run.ended_at = run.cancel_requested_at or now, None, now
    columns = ["status", "waiting_for", "owner", "lease_until", "epoch", "cancel_requested_at", "pause_requested_at"]
    run.save(update_fields=[*columns, "ended_at", "next_sequence"])
    fault_points.at_commit("cancel")
    run_changes.note(run)
    announce(run.pk, run.last_sequence)


def end_open_calls(run: Run) -> None:
    """Give each call without a result one: it will not run again, and no decision about it is possible."""
    results = run.steps.filter(kind=Step.Kind.TOOL_RESULT, call_id__isnull=False)
    have_results = set(results.values_list("call_id", flat=True))
    Question.objects.filter(call__run=run).withdraw()
    for call in without_result(run.calls.order_by("turn", "index", "position"), have_results):
        ending = ending_of(call.state, call.effect)
        if call.state != ending.state:
            call.state, call.ended_at, call.epoch = ending.state, timezone.now(), run.epoch
            call.save(update_fields=["state", "ended_at", "epoch"])
        beside = () if call.position else parallel_calls_of(run, call.turn)
        payload = ToolResultPayload(code=ending.code, calls=beside)
        about = {"severity": ending.severity, "recoverable": False, **place_of(call)}
        add_step(run, Step.Kind.TOOL_RESULT, ending.words, payload, **about)
