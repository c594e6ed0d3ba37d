"""The calls that wait for a person: those that need an approval, and those whose outcome nobody knows."""

from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from runs.models import Run, ToolCall
from runs.web.argument_form import ArgumentForm

MOST_SHOWN = 100
"""Calls on the page. Who has more waiting decides about these first."""


@dataclass(slots=True)
class Waiting:
    """A call somebody is asked about."""

    call: ToolCall
    form: ArgumentForm | None
    """To change the arguments; None where the question is what became of it."""
    expires_ms: int | None


@dataclass(slots=True)
class WaitingRun:
    """A run that waits, with its calls in order."""

    run: Run
    calls: list[Waiting] = field(default_factory=list)


def waiting_calls(user: Any) -> QuerySet[ToolCall]:
    """The calls `user` may decide about."""
    parked = Run.objects.visible_to(user).filter(status=Run.Status.WAITING, cancel_requested_at__isnull=True)
    return ToolCall.objects.asking().filter(run__in=parked)


def waiting_runs(user: Any) -> list[WaitingRun]:
    """The same calls by run, those that have waited longest first; at most `MOST_SHOWN` calls."""
    calls = waiting_calls(user).select_related("run", "run__user", "run__agent")
    groups: dict[Any, WaitingRun] = {}
    for call in calls.order_by("run__created_at", "run_id", "turn", "index")[:MOST_SHOWN]:
        asks = call.state == ToolCall.State.AWAITING_APPROVAL
        expires_ms = None if call.expires_at is None or not asks else round(call.expires_at.timestamp() * 1000)
        group = groups.setdefault(call.run_id, WaitingRun(call.run))
        group.calls.append(Waiting(call, ArgumentForm(call) if asks else None, expires_ms))
    return list(groups.values())


def count_for_pages(request: HttpRequest) -> dict[str, Any]:
    """`waiting_count` for templates: how many calls wait for the signed-in person. Read only where it is shown."""
    user = getattr(request, "user", None)
    return {"waiting_count": SimpleLazyObject(lambda: waiting_calls(user).count())}
