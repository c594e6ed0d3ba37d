"""The runs that were paused together with a run above them, which are resumed with it."""

from uuid import UUID

from django.db import transaction

from runs.agent.payloads.notes import NotePayload
from runs.agent.wording import Wording
from runs.engine.control.pause import pause_one
from runs.engine.control.step_log import add_step, name_of
from runs.engine.queueing.dispatch import announce, dispatch, tell
from runs.models import Run, Step, ToolCall


def paused_together(run: Run, below: list[Run]) -> list[Run]:
    """The runs among those below `run` that were paused with it, or with one above it, and not by themselves."""
    together = {str(run.pk), *_ids_above(run)}
    return [each for each in below if _is_or_will_be_paused(each) and _paused_with(each) in together]


def is_paused_after_decision(run: Run) -> bool:
    """True for a run of a paused tree that waits for a person, or for its child runs: it is paused after that."""
    waits = run.waiting_for in (*Run.ASKING, Run.WaitingFor.CHILD)
    return run.owner is None and waits and run.pause_requested_at is not None


def pause_with(parent: Run, child: Run) -> None:
    """Pause a child run that is launched while the pause of its parent is under way. Both rows are locked."""
    name, with_run = _request_of(parent)
    pause_one(child, name, with_run=with_run or str(parent.pk))


@transaction.atomic
def settle_pause(run_id: UUID) -> None:
    """Do what a pause or resume asked of a run while its host was releasing it: pause a run that waits for its child
    runs, and let one go on whose pause was taken back before its host had come to it."""
    run = Run.objects.select_for_update().filter(pk=run_id, owner=None, status=Run.Status.WAITING).first()
    if run is None or run.cancel_requested_at is not None:
        return
    if run.waiting_for == Run.WaitingFor.CHILD and run.pause_requested_at is not None:
        name, with_run = _request_of(run)
        pause_one(run, name, with_run=with_run)
    elif run.waiting_for == Run.WaitingFor.RESUME and (taken_back := _taken_back(run)) is not None:
        resume_with(taken_back.with_run, run, taken_back.by or name_of(None))


def resume_with(top: str | None, run: Run, name: str) -> None:
    """Resume a run together with the run of the id `top`. Its row is locked. One that has not come to its pause goes
    on without it."""
    words = Wording("Resumed by %(name)s, together with the run that called it.", name=name)
    add_step(run, Step.Kind.NOTE, words, NotePayload(note="resumed", by=name, with_run=top))
    run.pause_requested_at = None
    if run.waiting_for == Run.WaitingFor.RESUME:
        run.status, run.waiting_for, run.crashes = Run.Status.IDLE, "", 0
        dispatch(run.pk)
    run.save(update_fields=["status", "waiting_for", "crashes", "pause_requested_at", "next_sequence"])
    if run.owner is not None:
        tell(run.owner, run.pk, "run.go_on")
    announce(run.pk, run.last_sequence)


def _is_or_will_be_paused(run: Run) -> bool:
    is_asked = run.pause_requested_at is not None and not run.is_finished
    return run.waiting_for == Run.WaitingFor.RESUME or is_asked


def _paused_with(run: Run) -> str | None:
    """The run with which it was paused last; None if it was paused by itself."""
    last = _last_note(run, "paused", "pause_asked")
    return None if last is None else last.with_run


def _taken_back(run: Run) -> NotePayload | None:
    """The note of the resume that came before its host paused it; None if it was not resumed since the request."""
    notes = Step.objects.filter(run=run).notes("pause_asked", "paused", "resumed").only("kind", "metadata")
    last = [each.payload for each in notes.order_by("-sequence")[:3] if isinstance(each.payload, NotePayload)]
    match last:
        case [NotePayload(note="paused"), NotePayload(note="resumed") as resumed, NotePayload(note="pause_asked")]:
            return resumed
        case _:
            return None


def _last_note(run: Run, *notes: str) -> NotePayload | None:
    last = Step.objects.filter(run=run).notes(*notes).only("kind", "metadata").order_by("-sequence").first()
    return last.payload if last is not None and isinstance(last.payload, NotePayload) else None


def _request_of(run: Run) -> tuple[str, str | None]:
    """The requester of the pause that is under way, and the id of the run above it that is paused, if any."""
    asked = _last_note(run, "pause_asked")
    return (asked.by or name_of(None), asked.with_run) if asked is not None else (name_of(None), None)


def _ids_above(run: Run) -> list[str]:
    """The ids of the runs above it."""
    found: list[str] = []
    call_id = run.parent_call_id
    while call_id is not None:
        parent = ToolCall.objects.values_list("run_id", "run__parent_call").get(pk=call_id)
        found.append(str(parent[0]))
        call_id = parent[1]
    return found
