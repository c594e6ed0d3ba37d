"""Stopping a run for good."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from runs.agent.calling import REPEATABLE
from runs.engine import crashpoints
from runs.engine.control.steps import add_note, add_step, name_of, place_of
from runs.engine.dispatch import announce, tell
from runs.engine.hosts_seen import database_now
from runs.engine.proof import Totals, asked_metadata, proof_at_once, proof_thought, running_words
from runs.engine.side_by_side import told_beside
from runs.engine.stops import stop_of
from runs.models import Run, Step, ToolCall
from runs.models.run import FORCE_AFTER

CancelOutcome = Literal["cancelled", "asked", "already_ended"]
ForceOutcome = Literal["forced", "cancelled", "already_ended", "not_asked", "too_early"]


@transaction.atomic
def cancel(run_id: UUID, *, by: Any) -> CancelOutcome:
    """Stop a run. "cancelled": it was not hosted and is cancelled. "asked": its host has been told.

    "already_ended": nothing was changed. Asking twice is the same as asking once. Raises `Run.DoesNotExist`.
    """
    run = Run.objects.select_for_update().get(pk=run_id)
    if run.is_finished:
        return "already_ended"
    if run.owner is None:
        _cancel_at_once(run, by)
        return "cancelled"
    if run.cancel_requested_at is None:
        stop = stop_of(run)
        words = f"{name_of(by)} asked to stop the run. {running_words(stop)}"
        add_note(run, "cancel_asked", words, by=name_of(by), **asked_metadata(run, stop))
        run.cancel_requested_at = database_now()
        run.save(update_fields=["cancel_requested_at", "next_sequence"])
        crashpoints.at_commit("cancel_asked")
        announce(run.pk, run.last_sequence)
    tell(run.owner, run.pk, "run.cancel")
    return "asked"


@transaction.atomic
def force(run_id: UUID, *, by: Any) -> ForceOutcome:
    """End a run whose host does not: its next write is refused, and what it still does is not known.

    "forced": it is cancelled. "cancelled": nobody hosted it (any more), so nothing had to be forced. "not_asked": ask
    to stop it first. "too_early": `can_be_forced_at` says from when on it can be. "already_ended". The last three
    change nothing. Raises `Run.DoesNotExist`.
    """
    run = Run.objects.select_for_update().get(pk=run_id)
    if run.is_finished:
        return "already_ended"
    if run.owner is None:
        _cancel_at_once(run, by)
        return "cancelled"
    if run.cancel_requested_at is None:
        return "not_asked"
    if database_now() < can_be_forced_at(run) and not _lease_has_expired(run):
        return "too_early"
    run.epoch += 1  # From here on its host is fenced.
    stop = stop_of(run, forced_by=name_of(by))
    _end_open_calls(run)
    ending = proof_thought(run.pk, stop, Totals.of(run))
    add_step(run, Step.Kind.NOTE, ending.content, metadata=ending.metadata)
    _end(run)
    return "forced"


def can_be_forced_at(run: Run) -> datetime:
    """From when on a run that was asked to stop can be forced to. Raises `ValueError` if nobody has asked."""
    if run.cancel_requested_at is None:
        raise ValueError(f"Nobody has asked to stop run {run.pk}.")
    return run.cancel_requested_at + FORCE_AFTER


def _lease_has_expired(run: Run) -> bool:
    # By the database's clock, which leases go by.
    return run.lease_until is not None and Run.objects.filter(pk=run.pk, lease_until__lt=Now()).exists()


def _cancel_at_once(run: Run, by: Any) -> None:
    words, metadata = proof_at_once(run, name_of(by))
    _end_open_calls(run)
    add_step(run, Step.Kind.NOTE, words, metadata=metadata)
    _end(run)


def _end(run: Run) -> None:
    now = timezone.now()
    run.status, run.waiting_for, run.owner, run.lease_until = Run.Status.CANCELLED, "", None, None
    run.cancel_requested_at, run.pause_requested_at, run.ended_at = run.cancel_requested_at or now, None, now
    columns = ["status", "waiting_for", "owner", "lease_until", "epoch", "cancel_requested_at", "pause_requested_at"]
    run.save(update_fields=[*columns, "ended_at", "next_sequence"])
    crashpoints.at_commit("cancel")
    announce(run.pk, run.last_sequence)


def _end_open_calls(run: Run) -> None:
    """Give the calls that have no result one: nobody will run them again, or decide about them."""
    results = run.steps.filter(kind=Step.Kind.TOOL_RESULT, call_id__isnull=False)
    have_results = set(results.values_list("call_id", flat=True))
    for call in run.calls.filter(state__in=[*ToolCall.OPEN, ToolCall.State.UNKNOWN]).order_by("turn", "index"):
        if call.state == ToolCall.State.UNKNOWN and call.call_id in have_results:
            continue
        if call.state == ToolCall.State.UNKNOWN:
            words, severity, code = "Stopped undecided: it may or may not have happened.", "error", "outcome_unknown"
        elif call.state == ToolCall.State.STARTED and call.effect not in REPEATABLE:
            words, severity, code = "Stopped while it ran: it may or may not have happened.", "error", "outcome_unknown"
            _end_call(run, call, ToolCall.State.UNKNOWN)
        else:
            words, severity, code = "Stopped before it gave a result.", "warning", "stopped"
            _end_call(run, call, ToolCall.State.FAILED)
        metadata = {"code": code, **told_beside(run, call.turn)}
        add_step(
            run, Step.Kind.TOOL_RESULT, words, severity=severity, recoverable=False, metadata=metadata, **place_of(call)
        )


def _end_call(run: Run, call: ToolCall, state: ToolCall.State) -> None:
    call.state, call.ended_at, call.epoch = state, timezone.now(), run.epoch
    call.save(update_fields=["state", "ended_at", "epoch"])
