"""The calls that wait for a person: approvals, and unknown outcomes."""

from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from runs.agent.visible_text import exact
from runs.live.rendering.long_texts import SHOWN_CHARS, Fold, arguments_length, fold_argument
from runs.models import Run, ToolCall
from runs.models.permissions import may_launch
from runs.web.argument_form import ArgumentForm

MOST_SHOWN = 100
"""Maximum calls on the page; the oldest come first."""

MOST_READ_CHARS: Final = 1024 * 1024
"""Maximum characters of arguments that a page shows. Longer ones can only be denied from pages."""
READ_FIRST: Final = "Its arguments are long. Approve it on the page that shows all of them."
TOO_LONG: Final = "Its arguments are longer than a page shows. Deny it, or read them in the export and use the API."


@dataclass(slots=True)
class PendingCall:
    """A call that waits for a decision."""

    call: ToolCall
    form: ArgumentForm | None
    """The form to change the arguments; None for an unknown outcome."""
    expires_ms: int | None
    is_open: bool = False
    """True if the link to change its arguments was used."""

    @property
    def arguments(self) -> list[tuple[str, Fold]]:
        """Names and values as shown. Pairs, because a template prefers a dictionary's keys to its methods: an argument
        called `items` would replace all of them."""
        pairs = enumerate(self.call.arguments.items())
        return [(exact(name), fold_argument(index, value)) for index, (name, value) in pairs]

    @property
    def has_to_be_read(self) -> bool:
        """True if the arguments are too long for a list: the call is approved on the page that shows all of them."""
        return has_to_be_read(self.call)


@dataclass(slots=True)
class PendingRun:
    """A run that waits, with its calls in order."""

    run: Run
    calls: list[PendingCall] = field(default_factory=list)


def has_to_be_read(call: ToolCall) -> bool:
    """True if a card cannot show all of the call's arguments, so that it may be approved only on the call's page."""
    return arguments_length(call.arguments) > SHOWN_CHARS


def why_unread(call: ToolCall, *, read: bool) -> str | None:
    """Why the call cannot be approved from a page: its arguments are too long for any page, or for the page of the
    request (`read`: it showed all of them). None if it can be approved."""
    if arguments_length(call.arguments) > MOST_READ_CHARS:
        return TOO_LONG
    return READ_FIRST if has_to_be_read(call) and not read else None


def waiting_calls(user: Any) -> QuerySet[ToolCall]:
    """The waiting calls that `user` may decide."""
    waiting = Run.objects.decided_by(user).unfinished().filter(status=Run.Status.WAITING)
    parked = waiting.filter(cancel_requested_at__isnull=True)
    return ToolCall.objects.asking().filter(run__in=parked)


def waiting_runs(user: Any, *, change: UUID | None = None) -> list[PendingRun]:
    """The same calls grouped by run, oldest runs first; at most `MOST_SHOWN` calls.

    The run of the call `change` comes first, and the first of that call's arguments has the focus.
    """
    calls = waiting_calls(user).select_related("run", "run__user", "run__agent")
    order = ["run__created_at", "run_id", "turn", "index"]
    first = [Exists(ToolCall.objects.filter(pk=change, run=OuterRef("run"))).desc()] if change else []
    groups: dict[Any, PendingRun] = {}
    for call in calls.order_by(*first, *order)[:MOST_SHOWN]:
        group = groups.setdefault(call.run_id, PendingRun(call.run))
        group.calls.append(_waiting(call, is_open=call.pk == change))
    return list(groups.values())


def _waiting(call: ToolCall, *, is_open: bool) -> PendingCall:
    if call.state != ToolCall.State.AWAITING_APPROVAL:
        return PendingCall(call, None, None)
    expires_ms = None if call.expires_at is None else round(call.expires_at.timestamp() * 1000)
    return PendingCall(call, ArgumentForm(call, has_focus=is_open), expires_ms, is_open)


def count_for_pages(request: HttpRequest) -> dict[str, Any]:
    """Context processor: `waiting_count`, the calls that wait for the user, and `may_launch`.

    They are lazy: queried only where a template shows them.
    """
    user = getattr(request, "user", None)
    return {
        "waiting_count": SimpleLazyObject(lambda: waiting_calls(user).count()),
        "may_launch": SimpleLazyObject(lambda: user is not None and may_launch(user)),
    }
