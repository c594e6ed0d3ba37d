"""The runs that were paused together with a run above them, which are resumed with it."""

from runs.agent.payloads.notes import NotePayload
from runs.agent.wording import Wording
from runs.engine.control.step_log import add_step
from runs.engine.queueing.dispatch import announce, dispatch
from runs.models import Run, Step, ToolCall


def paused_together(run: Run, below: list[Run]) -> list[Run]:
    """The runs among those below `run` that were paused with it, or with one above it, and not by themselves."""
    together = {str(run.pk), *_ids_above(run)}
    return [each for each in below if _is_or_will_be_paused(each) and _paused_with(each) in together]


def is_paused_after_decision(run: Run) -> bool:
    """True for a run of a paused tree that waits for a person: it is paused when that one has decided."""
    return run.owner is None and run.waiting_for in Run.ASKING and run.pause_requested_at is not None


def resume_with(top: Run, run: Run, name: str) -> None:
    """Resume a run together with `top`. Its row is locked."""
    words = Wording("Resumed by %(name)s, together with the run that called it.", name=name)
    add_step(run, Step.Kind.NOTE, words, NotePayload(note="resumed", by=name, with_run=str(top.pk)))
    run.pause_requested_at = None
    if run.waiting_for == Run.WaitingFor.RESUME:
        run.status, run.waiting_for, run.crashes = Run.Status.IDLE, "", 0
        dispatch(run.pk)
    run.save(update_fields=["status", "waiting_for", "crashes", "pause_requested_at", "next_sequence"])
    announce(run.pk, run.last_sequence)


def _is_or_will_be_paused(run: Run) -> bool:
    is_asked = run.pause_requested_at is not None and not run.is_finished
    return run.waiting_for == Run.WaitingFor.RESUME or is_asked


def _paused_with(run: Run) -> str | None:
    """The run with which it was paused last; None if it was paused by itself."""
    asked = Step.objects.filter(run=run).notes("paused", "pause_asked")
    last = asked.only("kind", "metadata").order_by("-sequence").first()
    return last.payload.with_run if last is not None and isinstance(last.payload, NotePayload) else None


def _ids_above(run: Run) -> list[str]:
    """The ids of the runs above it."""
    found: list[str] = []
    call_id = run.parent_call_id
    while call_id is not None:
        parent = ToolCall.objects.values_list("run_id", "run__parent_call").get(pk=call_id)
        found.append(str(parent[0]))
        call_id = parent[1]
    return found
