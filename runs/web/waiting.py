"""The calls that wait for a person: those that need an approval, and those whose outcome nobody knows."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet
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
    is_open: bool = False
    """True if somebody came to change its arguments."""


@dataclass(slots=True)
class WaitingRun:
    """A run that waits, with its calls in order."""

    run: Run
    calls: list[Waiting] = field(default_factory=list)


def waiting_calls(user: Any) -> QuerySet[ToolCall]:
    """The calls `user` may decide about."""
    parked = Run.objects.visible_to(user).filter(status=Run.Status.WAITING, cancel_requested_at__isnull=True)
    return ToolCall.objects.asking().filter(run__in=parked)


def waiting_runs(user: Any, *, change: UUID | None = None) -> list[WaitingRun]:
    """The same calls by run, those that have waited longest first; at most `MOST_SHOWN` calls.

    The run of the call `change` comes before all others, and the first of that call's arguments has the focus.
    """
    calls = waiting_calls(user).select_related("run", "run__user", "run__agent")
    order = ["run__created_at", "run_id", "turn", "index"]
    first = [Exists(ToolCall.objects.filter(pk=change, run=OuterRef("run"))).desc()] if change else []
    groups: dict[Any, WaitingRun] = {}
    for call in calls.order_by(*first, *order)[:MOST_SHOWN]:
        group = groups.setdefault(call.run_id, WaitingRun(call.run))
        group.calls.append(_waiting(call, is_open=call.pk == change))
    return list(groups.values())


def _waiting(call: ToolCall, *, is_open: bool) -> Waiting:
    if call.state != ToolCall.State.AWAITING_APPROVAL:
        return Waiting(call, None, None)
    expires_ms = None if call.expires_at is None else round(call.expires_at.timestamp() * 1000)
    return Waiting(call, ArgumentForm(call, has_focus=is_open), expires_ms, is_open)


def count_for_pages(request: HttpRequest) -> dict[str, Any]:
    """`waiting_count` for templates: how many calls wait for the signed-in person. Read only where it is shown."""
    user = getattr(request, "user", None)
    return {"waiting_count": SimpleLazyObject(lambda: waiting_calls(user).count())}
