"""What a person may do while a run waits for its next attempt."""

from typing import Any, Literal
from uuid import UUID

from django.db import transaction

from runs.engine.control.steps import add_note, name_of
from runs.engine.dispatch import announce, tell
from runs.models import Run

WaitOutcome = Literal["asked", "not_waiting"]


@transaction.atomic
def try_now(run_id: UUID, *, by: Any) -> WaitOutcome:
    """Have a run that waits for its next attempt make it now. Raises `Run.DoesNotExist`.

    "asked": its host has been told. "not_waiting": it does not wait for an attempt, and nothing was changed.
    """
    return _cut_wait_short(run_id, "run.try_now", "try_now", f"{name_of(by)} asked to try again now.", by=by)


@transaction.atomic
def stop_retrying(run_id: UUID, *, by: Any) -> WaitOutcome:
    """Have a run that waits for its next attempt at a model make no further one. Outcomes as of `try_now`."""
    return _cut_wait_short(run_id, "run.stop_retrying", "stop_retrying", f"{name_of(by)} stopped the retries.", by=by)


def _cut_wait_short(run_id: UUID, message_type: str, note: str, words: str, *, by: Any) -> WaitOutcome:
    run = Run.objects.select_for_update().get(pk=run_id)
    waits = run.status == Run.Status.WAITING and run.waiting_for == Run.WaitingFor.RETRY
    if run.owner is None or not waits or run.cancel_requested_at is not None:
        return "not_waiting"
    add_note(run, note, words, by=name_of(by))
    run.save(update_fields=["next_sequence"])
    announce(run.pk, run.last_sequence)
    tell(run.owner, run.pk, message_type)
    return "asked"
