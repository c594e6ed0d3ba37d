"""What a person may do while a run waits for its next attempt: try now, or stop retrying."""

from typing import Any, Literal
from uuid import UUID

from django.db import transaction

from runs.agent.payloads.notes import NotePayload
from runs.agent.wording import Wording
from runs.engine.control.permission_checks import May, check_may
from runs.engine.control.step_log import add_step, name_of
from runs.engine.queueing.dispatch import announce, tell
from runs.models import Run, Step
from runs.models.permissions import may_resume, may_stop

WaitOutcome = Literal["asked", "not_waiting"]


@transaction.atomic
def try_now(run_id: UUID, *, by: Any) -> WaitOutcome:
    """Make a waiting run start its next attempt now. Raises `PermissionDenied` and `Run.DoesNotExist`.

    "asked": its host has been told. "not_waiting": the run does not wait for an attempt, and nothing was changed.
    """
    note = NotePayload(note="try_now", by=name_of(by))
    return _cut_wait_short(
        run_id, may_resume, "run.try_now", note, Wording("%(name)s asked to try again now.", name=name_of(by)), by=by
    )


@transaction.atomic
def stop_retrying(run_id: UUID, *, by: Any) -> WaitOutcome:
    """Make a run that waits for its next model attempt give up. Outcomes and errors as of `try_now`."""
    note = NotePayload(note="stop_retrying", by=name_of(by))
    return _cut_wait_short(
        run_id, may_stop, "run.stop_retrying", note, Wording("%(name)s stopped the retries.", name=name_of(by)), by=by
    )


def _cut_wait_short(
    run_id: UUID, may: May, message_type: str, note: NotePayload, words: str, *, by: Any
) -> WaitOutcome:
    run = Run.objects.select_for_update().get(pk=run_id)
    check_may(may, by, run)
    waits = run.status == Run.Status.WAITING and run.waiting_for == Run.WaitingFor.RETRY
    if run.owner is None or not waits or run.cancel_requested_at is not None:
        return "not_waiting"
    add_step(run, Step.Kind.NOTE, words, note)
    run.save(update_fields=["next_sequence"])
    announce(run.pk, run.last_sequence)
    tell(run.owner, run.pk, message_type)
    return "asked"
