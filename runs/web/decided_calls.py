"""The calls that were decided lately: who decided what, when and why."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from runs.live.rendering.short_texts import short_arguments
from runs.models import Run, ToolCall
from runs.web.run_sorts import NEWEST, text_of

KEPT: Final = timedelta(days=30)
"""How far back the list goes."""
PAGE_LENGTH: Final = 50


@dataclass(frozen=True, slots=True)
class DecidedCall:
    """A call with its decision."""

    call: ToolCall

    @property
    def kind(self) -> str:
        """`denied`, `happened` (a person said what became of it), or `approved`."""
        if self.call.state == ToolCall.State.DENIED:
            return "denied"
        started, decided = self.call.started_at, self.call.decided_at
        return "happened" if started is not None and decided is not None and started <= decided else "approved"

    @property
    def words(self) -> str:
        """The decision as a verb that the tool's name follows."""
        match self.kind:
            case "denied":
                return _("Denied")
            case "happened":
                return _("Marked as done:")
            case _:
                return _("Approved")

    @property
    def arguments(self) -> str:
        """The arguments that were decided about, on one line; those it ran with, if they were changed."""
        return short_arguments(self.call.arguments)

    @property
    def is_changed(self) -> bool:
        """True if it was approved with other arguments than the model's."""
        return self.call.proposed_arguments is not None


@dataclass(frozen=True, slots=True)
class DecidedPage:
    """A page of the list, latest first."""

    calls: list[DecidedCall]
    older: str
    """The value of `before` for the next page; empty on the last one."""


def decided_page(user: Any, before: str = "") -> DecidedPage:
    """The decisions about calls of the runs that `user` may see. A `before` that makes no sense is the first page."""
    calls = _decided(user)
    if (place := NEWEST.cursor_in(before)) is not None:
        # The second condition is redundant, but lets the index scan start at the right place.
        calls = calls.filter(Q(decided_at__lt=place.value) | Q(pk__lt=place.run_id), decided_at__lte=place.value)
    rows = list(calls[: PAGE_LENGTH + 1])
    shown = rows[:PAGE_LENGTH]
    older = text_of(shown[-1].decided_at, shown[-1].pk) if len(rows) > PAGE_LENGTH else ""
    return DecidedPage([DecidedCall(call) for call in shown], older)


def last_decision(user: Any) -> DecidedCall | None:
    """The latest decision that `user` may see, if there was one in `KEPT`."""
    call = _decided(user).first()
    return None if call is None else DecidedCall(call)


def _decided(user: Any) -> QuerySet[ToolCall]:
    calls = ToolCall.objects.filter(run__in=Run.objects.visible_to(user), decided_at__gte=timezone.now() - KEPT)
    return calls.select_related("run", "run__agent", "decided_by").order_by("-decided_at", "-pk")
