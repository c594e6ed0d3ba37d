"""What was decided lately: who decided about which call, or answered which question, when and why."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from runs.engine import control
from runs.live.rendering.first_lines import first_line
from runs.live.rendering.short_texts import short_arguments
from runs.models import Question, Run, Surface, ToolCall
from runs.web.run_sorts import NEWEST, text_of

KEPT: Final = timedelta(days=30)
"""How far back the list goes."""
PAGE_LENGTH: Final = 50


@dataclass(frozen=True, slots=True)
class DecidedCall:
    """A call with its decision, or a question of it with the answer."""

    call: ToolCall
    question: Question | None = None

    @property
    def at(self) -> datetime | None:
        """When it was decided, or answered."""
        return self.call.decided_at if self.question is None else self.question.answered_at

    @property
    def by(self) -> Any:
        """The person who decided or answered; None for nobody."""
        return self.call.decided_by if self.question is None else self.question.answered_by

    @property
    def pk(self) -> UUID:
        """The id of the decided call, or of the answered question."""
        return self.call.pk if self.question is None else self.question.pk

    @property
    def kind(self) -> str:
        """`denied`, `happened` (a person said what became of it), `approved`, `answered` or `expired`."""
        if self.question is not None:
            return self.question.state
        if self.call.state == ToolCall.State.DENIED:
            return "denied"
        started, decided = self.call.started_at, self.call.decided_at
        return "happened" if started is not None and decided is not None and started <= decided else "approved"

    @property
    def words(self) -> str:
        """The decision as a verb that the tool's name follows."""
        match self.kind:
            case "answered":
                return _("Answered")
            case "expired":
                return _("Not answered in time:")
            case "denied":
                return _("Denied")
            case "happened":
                return _("Marked as done:")
            case _:
                return _("Approved")

    @property
    def arguments(self) -> str:
        """The arguments that were decided about, on one line; those it ran with, if they were changed. For a question
        its text."""
        if self.question is not None:
            return first_line(self.question.text)
        return short_arguments(self.call.arguments)

    @property
    def reason(self) -> str:
        """The reason of the decision, or the answer."""
        if self.question is None:
            return self.call.decision_reason
        return "" if self.question.answer is None else control.shown_answer(self.question.answer)

    @property
    def where(self) -> str:
        """Where it was decided, as a part of a sentence; empty if it is not known."""
        surface = self.call.surface if self.question is None else self.question.surface
        return str(Surface(surface).label) if surface in Surface.values else ""

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
    calls, questions = _decided(user), _answered(user)
    if (place := NEWEST.cursor_in(before)) is not None:
        # The second condition is redundant, but lets the index scan start at the right place.
        calls = calls.filter(Q(decided_at__lt=place.value) | Q(pk__lt=place.run_id), decided_at__lte=place.value)
        questions = questions.filter(
            Q(answered_at__lt=place.value) | Q(pk__lt=place.run_id), answered_at__lte=place.value
        )
    rows = _latest(calls, questions, PAGE_LENGTH + 1)
    shown = rows[:PAGE_LENGTH]
    older = text_of(shown[-1].at, shown[-1].pk) if len(rows) > PAGE_LENGTH else ""
    return DecidedPage(shown, older)


def last_decision(user: Any) -> DecidedCall | None:
    """The latest decision that `user` may see, if there was one in `KEPT`."""
    return next(iter(_latest(_decided(user), _answered(user), 1)), None)


def _latest(calls: QuerySet[ToolCall], questions: QuerySet[Question], most: int) -> list[DecidedCall]:
    """The latest of both, latest first."""
    rows = [DecidedCall(call) for call in calls[:most]]
    rows += [DecidedCall(question.call, question) for question in questions[:most]]
    return sorted(rows, key=lambda row: (row.at, row.pk), reverse=True)[:most]


def _answered(user: Any) -> QuerySet[Question]:
    runs = Run.objects.visible_to(user)
    questions = Question.objects.filter(call__run__in=runs, answered_at__gte=timezone.now() - KEPT)
    return questions.select_related("call__run", "call__run__agent", "answered_by").order_by("-answered_at", "-pk")


def _decided(user: Any) -> QuerySet[ToolCall]:
    calls = ToolCall.objects.filter(run__in=Run.objects.visible_to(user), decided_at__gte=timezone.now() - KEPT)
    return calls.select_related("run", "run__agent", "decided_by").order_by("-decided_at", "-pk")
