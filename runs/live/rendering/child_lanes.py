"""The child runs that a run waits for, for its stage."""

from collections.abc import Sequence
from typing import Final

from django.db.models import F
from django.urls import reverse

from runs.live.rendering.call_lanes import CallLane
from runs.live.rendering.formatting import duration_text
from runs.live.rendering.labels import status_label
from runs.models import Run

_COLUMNS: Final = (
    *("status", "waiting_for", "could_not", "owner", "cancel_requested_at", "pause_requested_at", "active_ms"),
)
_BARS: Final = {
    Run.Status.COMPLETED: "succeeded",
    Run.Status.FAILED: "failed",
    Run.Status.CANCELLED: "denied",
    Run.Status.IDLE: "proposed",
}
"""By status: the state of a call whose bar looks like it. A run that stands still for now is like a call that waits."""


def children_of_turn(run: Run) -> Sequence[Run]:
    """The child runs of the last turn with calls, in the order of their calls."""
    last = run.calls.order_by("-turn").values_list("turn", flat=True).first()
    if last is None:
        return []
    children = Run.objects.filter(parent_call__run=run, parent_call__turn=last).only(*_COLUMNS)
    return list(
        children.annotate(agent_name=F("config__agent")).order_by("parent_call__index", "parent_call__position")
    )


def lane_of_child(child: Run) -> CallLane:
    """The lane of a child run: its agent and its status, or how long it has worked."""
    name, words = str(child.agent_name or ""), status_label(child).words  # type: ignore[attr-defined]
    address = reverse("runs:run", args=[child.pk])
    if child.status == Run.Status.COMPLETED and not child.could_not:
        words = duration_text(child.active_ms / 1000)
    if child.waiting_for in Run.ASKING:
        bar = "unknown"
    else:
        bar = "started" if child.owner is not None else _BARS.get(Run.Status(child.status), "awaiting_child")
    return CallLane(name, bar, words, address=address)
