"""Pausing a run, so that it goes on when a person says so."""

from typing import Any, Literal
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from runs.engine.control.steps import add_note, name_of
from runs.engine.dispatch import announce, tell
from runs.models import Run

PauseOutcome = Literal[
    "paused", "asked", "already_paused", "waits_for_approval", "waits_for_decision", "stop_asked", "already_ended"
]


@transaction.atomic
def pause(run_id: UUID, *, by: Any) -> PauseOutcome:
    """Pause a run. "paused": nobody hosted it and it is paused. "asked": its host pauses it between two turns,
    or between a reply and its calls.

    Everything else changes nothing and says where the run stands: it was paused before, waits for somebody's answer
    about a call, has been asked to stop, or has ended, which it may also do before its host comes to the pause.
    Asking twice is the same as asking once. Raises `Run.DoesNotExist`.
    """
    run = Run.objects.select_for_update().get(pk=run_id)
    if refusal := _why_not(run):
        return refusal
    if run.owner is None:
        add_note(run, "paused", f"Paused by {name_of(by)} before it was hosted.", by=name_of(by))
        run.status, run.waiting_for, run.pause_requested_at = Run.Status.WAITING, Run.WaitingFor.RESUME, None
        run.save(update_fields=["status", "waiting_for", "pause_requested_at", "next_sequence"])
        announce(run.pk, run.last_sequence)
        return "paused"
    if run.pause_requested_at is None:
        add_note(run, "pause_asked", f"{name_of(by)} asked to pause the run.", by=name_of(by))
        run.pause_requested_at = timezone.now()
        run.save(update_fields=["pause_requested_at", "next_sequence"])
        announce(run.pk, run.last_sequence)
    tell(run.owner, run.pk, "run.pause")
    return "asked"


def _why_not(run: Run) -> PauseOutcome | None:
    if run.is_finished:
        return "already_ended"
    if run.cancel_requested_at is not None:
        return "stop_asked"
    if run.owner is not None:
        return None
    match run.waiting_for:
        case Run.WaitingFor.RESUME:
            return "already_paused"
        case Run.WaitingFor.APPROVAL:
            return "waits_for_approval"
        case Run.WaitingFor.DECISION:
            return "waits_for_decision"
    return None
