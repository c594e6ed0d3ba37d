"""Pausing a run until a person resumes it."""

from typing import Any, Final, Literal
from uuid import UUID

from django.utils import timezone

from runs.agent.payloads.notes import NotePayload
from runs.agent.wording import Wording
from runs.engine.control.permission_checks import check_may
from runs.engine.control.step_log import add_step, name_of
from runs.engine.control.tree_lock import in_locked_tree
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
_ASKS: Final[tuple[PauseOutcome, ...]] = ("waits_for_approval", "waits_for_decision", "waits_for_answer")


def pause(run_id: UUID, *, by: Any) -> PauseOutcome:
    """Pause a run, and all runs below it. "paused": it had no host and is paused. "asked": its host pauses it between
    two turns, or between a reply and its calls; or it has child runs and waits for a decision or answer of a person,
    and is paused after that.

    All other outcomes change nothing and name the run's state: already paused, waiting for a decision about a call or
    an answer, asked to stop, or ended (an asked run may also end before it reaches the pause). A second request changes
    nothing. Raises `PermissionDenied` and `Run.DoesNotExist`.
    """

    def halt(run: Run, below: list[Run]) -> PauseOutcome:
        check_may(may_stop, by, run)
        going = [each for each in below if not each.is_finished]
        if (refusal := _why_not(run)) and not (going and refusal in _ASKS):
            return refusal
        for each in going:
            if _why_not(each) in (None, *_ASKS):
                pause_one(each, name_of(by), with_run=str(run.pk))
        return pause_one(run, name_of(by))

    return in_locked_tree(run_id, halt)


def pause_one(run: Run, name: str, *, with_run: str | None = None) -> PauseOutcome:
    """Pause one run, whose row is locked. `with_run` is the id of the run above it that is paused."""
    if run.owner is None and run.waiting_for not in Run.ASKING:
        words = words_of_pause(run, name, with_run=with_run)
        add_step(run, Step.Kind.NOTE, words, NotePayload(note="paused", by=name, with_run=with_run))
        run.status, run.waiting_for, run.pause_requested_at = Run.Status.WAITING, Run.WaitingFor.RESUME, None
        run.save(update_fields=["status", "waiting_for", "pause_requested_at", "next_sequence"])
        announce(run.pk, run.last_sequence)
        return "paused"
    if run.pause_requested_at is None:
        asked = Wording("Pausing after this reply, asked by %(name)s.", name=name)
        if run.owner is None:
            asked = Wording("Pausing after the decision of a person, asked by %(name)s.", name=name)
        add_step(run, Step.Kind.NOTE, asked, NotePayload(note="pause_asked", by=name, with_run=with_run))
        run.pause_requested_at = timezone.now()
        run.save(update_fields=["pause_requested_at", "next_sequence"])
        announce(run.pk, run.last_sequence)
    if run.owner is not None:
        tell(run.owner, run.pk, "run.pause")
    return "asked"


def words_of_pause(run: Run, name: str, *, with_run: str | None) -> Wording:
    """What the step of a pause says of a run without a host."""
    if with_run is not None:
        return Wording("Paused by %(name)s, together with the run that called it.", name=name)
    if run.waiting_for == Run.WaitingFor.CHILD:
        return Wording("Paused by %(name)s, together with its child runs.", name=name)
    return Wording("Paused by %(name)s before it was hosted.", name=name)


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
