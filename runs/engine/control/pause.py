"""Pausing a run until a person resumes it."""

from typing import Any, Literal
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from runs.agent.payloads.notes import NotePayload
from runs.agent.wording import Wording
from runs.engine.control.permission_checks import check_may
from runs.engine.control.step_log import add_step, name_of
from runs.engine.queueing.dispatch import announce, tell
from runs.models import Run, Step
from runs.models.permissions import may_stop

PauseOutcome = Literal[
    "paused",
    "asked",
    "already_paused",
    "waits_for_approval",
    "waits_for_decision",
    "waits_for_answer",
    "stop_asked",
    "already_ended",
]


@transaction.atomic
def pause(run_id: UUID, *, by: Any) -> PauseOutcome:
    """Pause a run. "paused": it had no host and is paused. "asked": its host pauses it between two turns,
    or between a reply and its calls.

    All other outcomes change nothing and name the run's state: already paused, waiting for a decision about a call or
    an answer, asked to stop, or ended (an asked run may also end before it reaches the pause). A second request changes
    nothing. Raises `PermissionDenied` and `Run.DoesNotExist`.
    """
    run = Run.objects.select_for_update().get(pk=run_id)
    check_may(may_stop, by, run)
    if refusal := _why_not(run):
        return refusal
    if run.owner is None:
        words = Wording("Paused by %(name)s before it was hosted.", name=name_of(by))
        add_step(run, Step.Kind.NOTE, words, NotePayload(note="paused", by=name_of(by)))
        run.status, run.waiting_for, run.pause_requested_at = Run.Status.WAITING, Run.WaitingFor.RESUME, None
        run.save(update_fields=["status", "waiting_for", "pause_requested_at", "next_sequence"])
        announce(run.pk, run.last_sequence)
        return "paused"
    if run.pause_requested_at is None:
        words = Wording("Pausing after this reply, asked by %(name)s.", name=name_of(by))
        add_step(run, Step.Kind.NOTE, words, NotePayload(note="pause_asked", by=name_of(by)))
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
        case Run.WaitingFor.ANSWER:
            return "waits_for_answer"
    return None
