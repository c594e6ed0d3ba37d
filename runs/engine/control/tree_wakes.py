"""A run that waits for its child runs goes on when they have ended, and none goes on without the run that wants it."""

from functools import partial
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from runs.engine.control.decision_log import go_on_if_decided
from runs.engine.control.tree_pauses import settle_pause
from runs.models import Run, ToolCall

MAX_A_SWEEP: Final = 500
_WAITS: Final = (*Run.ASKING, Run.WaitingFor.CHILD)


def wake_parent(run: Run) -> None:
    """After the commit, let the run go on that waits for this one, if nothing else holds it back."""
    if run.parent_call_id is not None:
        parent_id = ToolCall.objects.values_list("run_id", flat=True).get(pk=run.parent_call_id)
        transaction.on_commit(partial(go_on_after_children, parent_id))


@transaction.atomic
def go_on_after_children(run_id: UUID) -> bool:
    """Let the calls run again whose child runs have ended; they find them. The run is queued once none of its calls
    waits for anything. Returns True if there was such a call.

    No effect on a run with a host: it looks itself when it parks.
    """
    run = Run.objects.select_for_update().filter(pk=run_id).first()
    if run is None or run.status != Run.Status.WAITING or run.owner is not None:
        return False
    ended = list(run.calls.filter(state=ToolCall.State.AWAITING_CHILD, child__status__in=Run.FINAL))
    for call in ended:
        call.run_again()
    if ended and run.waiting_for in _WAITS and run.cancel_requested_at is None:
        go_on_if_decided(run)
    return bool(ended)


def after_leaving(run_id: UUID, parent_call_id: UUID | None) -> None:
    """What a host does when a run has left it: the run may have parked after its child runs had ended, or be one that
    another waits for."""
    go_on_after_children(run_id)
    settle_pause(run_id)
    if parent_call_id is not None:
        go_on_after_children(ToolCall.objects.values_list("run_id", flat=True).get(pk=parent_call_id))


def wake_parents() -> int:
    """Let the runs go on whose wake-up was lost. Returns their number."""
    waiting = ToolCall.objects.filter(state=ToolCall.State.AWAITING_CHILD, child__status__in=Run.FINAL)
    parked = waiting.filter(run__status=Run.Status.WAITING, run__owner=None)
    ids = parked.order_by().values_list("run_id", flat=True).distinct()[:MAX_A_SWEEP]
    return sum(go_on_after_children(run_id) for run_id in list(ids))


def unwanted() -> list[UUID]:
    """Unfinished child runs whose call has a result without them: the run above them has ended, or gone on."""
    wanted = Q(parent_call__state__in=ToolCall.OPEN) & ~Q(parent_call__run__status__in=Run.FINAL)
    children = Run.objects.unfinished().filter(root__isnull=False, cancel_requested_at=None).exclude(wanted)
    return list(children.order_by().values_list("pk", flat=True)[:MAX_A_SWEEP])
