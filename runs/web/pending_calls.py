"""The calls that wait for a person: approvals, and unknown outcomes."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Substr
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy

from runs.agent.visible_text import exact
from runs.live.rendering.answer_form import AnswerForm
from runs.live.rendering.long_texts import SHOWN_CHARS, Fold, arguments_length, fold_argument
from runs.live.rendering.run_lines import START_CHARS
from runs.models import Agent, Question, Run, Step, ToolCall
from runs.models.permissions import may_launch
from runs.models.tool_call import is_in_grace
from runs.web.argument_form import ArgumentForm
from runs.web.call_stacks import CallStack, stacks_of

CALLS_TO_DECIDE: Final = (ToolCall.State.AWAITING_APPROVAL, ToolCall.State.AWAITING_ANSWER)
MOST_SHOWN = 40
"""Maximum calls on the page; those with the nearest deadline come first, then those of the oldest runs. Each takes
1.5 ms to render."""
MOST_FORMS: Final = 5
"""Calls whose arguments can be changed without a request; the forms of all calls are a third of the page."""
MOST_SAID_CHARS: Final = 600
"""Characters read of what the model said before its calls."""
LAST_STEPS: Final = 300
"""How far back in a run these words are looked for: a turn that asks is at the end of its run."""
LINES_OF_A_BOX: Final = 3
"""A longer argument is shown in a box of its own."""

MOST_READ_CHARS: Final = 1024 * 1024
"""Maximum characters of arguments that a page shows. Longer ones can only be denied from pages."""
READ_FIRST: Final = gettext_lazy("Its arguments are long. Approve it on the page that shows all of them.")
TOO_LONG: Final = gettext_lazy(
    "Its arguments are longer than a page shows. Deny it, or read them in the export and use the API."
)


@dataclass
class PendingCall:
    """A call that waits for a decision."""

    call: ToolCall
    calls_in_turn: int = 1
    """1 for a call that a script makes."""
    is_open: bool = False
    """True if the link to change its arguments was used."""
    has_form: bool = False
    """True if the form to change its arguments is in the page; otherwise it is loaded when somebody opens it."""
    said: str = ""
    """The beginning of what the model said before it; may be empty."""
    first_task: str = ""
    """As that of `PendingRun`."""
    question: Question | None = None
    """What it asks, if it waits for an answer."""

    @property
    def card_hash(self) -> str:
        """Changes if something else is to be decided about the same call."""
        return self.call.arguments_hash if self.question is None else str(self.question.pk)

    @cached_property
    def answer_form(self) -> AnswerForm | None:
        """The form to answer its question."""
        return None if self.question is None else AnswerForm.of_row(self.question)

    @property
    def is_approval(self) -> bool:
        """True if it waits for an approval, False if it asks a question or its outcome is unknown."""
        return self.call.state == ToolCall.State.AWAITING_APPROVAL

    @cached_property
    def form(self) -> ArgumentForm:
        """The form to change the arguments."""
        return ArgumentForm(self.call, has_focus=self.is_open)

    @property
    def expires_ms(self) -> int | None:
        """Its deadline in milliseconds since the epoch; None for none."""
        expires_at = self.expires_at
        return None if expires_at is None else round(expires_at.timestamp() * 1000)

    @property
    def expires_at(self) -> datetime | None:
        """Its deadline; None for none."""
        if self.question is not None:
            return self.question.expires_at
        return self.call.expires_at if self.is_approval else None

    @property
    def arguments(self) -> list[tuple[str, Fold, bool]]:
        """Names and values as shown, and whether a value is long. Pairs, because a template prefers a dictionary's
        keys to its methods: an argument called `items` would replace all of them."""
        folds = ((name, fold_argument(index, value)) for index, (name, value) in enumerate(self.call.arguments.items()))
        return [(exact(name), fold, fold.text.count("\n") >= LINES_OF_A_BOX) for name, fold in folds]

    @property
    def has_to_be_read(self) -> bool:
        """True if the arguments are too long for a list: the call is approved on the page that shows all of them."""
        return has_to_be_read(self.call)

    @property
    def is_allowed(self) -> bool:
        """True if later runs of its agent do not ask about its tool, by the agent's own rule for it."""
        agent = self.call.run.agent
        return agent is not None and agent.tool_approvals.get(self.call.tool_name) == Agent.Approval.NEVER

    @property
    def number(self) -> int:
        """Its place among the calls of its turn or of its script, from 1."""
        return self.call.position or self.call.index + 1

    @property
    def approves_itself(self) -> bool:
        """True if it is approved at its deadline, as its agent's rules say; otherwise it is denied."""
        return bool(self.call.run.config.get("on_approval_expiry") == Agent.OnExpiry.APPROVE)


@dataclass(slots=True)
class PendingRun:
    """A run that waits, with its calls in order."""

    run: Run
    said: str
    """The beginning of what the model said before these calls; may be empty."""
    calls: list[PendingCall] = field(default_factory=list)
    first_task: str = ""
    """Of a child run: the beginning of the task of the first run of its tree."""

    @property
    def stacks(self) -> list[CallStack]:
        """The calls in stacks of similar ones."""
        return stacks_of(self.calls)


@dataclass(frozen=True, slots=True)
class WaitingCounts:
    """How many calls wait for a person."""

    to_decide: int
    unknown: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.to_decide + self.unknown

    def of(self, states: Collection[str]) -> int:
        """The number of those in `states`, as of `waiting_runs`."""
        return self.unknown if ToolCall.State.UNKNOWN in states else self.to_decide


def has_to_be_read(call: ToolCall) -> bool:
    """True if a card cannot show all of the call's arguments, so that it may be approved only on the call's page."""
    return arguments_length(call.arguments) > SHOWN_CHARS


def why_unread(call: ToolCall, *, read: bool) -> str | None:
    """Why the call cannot be approved from a page: its arguments are too long for any page, or for the page of the
    request (`read`: it showed all of them). None if it can be approved."""
    if arguments_length(call.arguments) > MOST_READ_CHARS:
        return str(TOO_LONG)
    return str(READ_FIRST) if has_to_be_read(call) and not read else None


def waiting_calls(user: Any) -> QuerySet[ToolCall]:
    """The waiting calls that `user` may decide."""
    return ToolCall.objects.asking().filter(run__in=waiting_runs_of(user))


def approvals_to_undo(user: Any) -> QuerySet[ToolCall]:
    """The approvals of `user` that are in their grace, the latest first."""
    mine = ToolCall.objects.filter(is_in_grace(), state=ToolCall.State.APPROVED, decided_by=user)
    return mine.filter(run__in=waiting_runs_of(user)).order_by("-undo_until")


def waiting_runs_of(user: Any) -> QuerySet[Run]:
    """The runs that wait for a person, about whose calls `user` may decide."""
    waiting = Run.objects.decided_by(user).unfinished().filter(status=Run.Status.WAITING)
    return waiting.filter(cancel_requested_at__isnull=True)


def waiting_counts(user: Any) -> WaitingCounts:
    """The numbers of the calls that `user` may decide."""
    is_unknown = Q(state=ToolCall.State.UNKNOWN)
    return WaitingCounts(
        **waiting_calls(user).aggregate(
            to_decide=Count("pk", filter=~is_unknown), unknown=Count("pk", filter=is_unknown)
        )
    )


def waiting_runs(user: Any, states: Collection[str], *, change: UUID | None = None) -> list[PendingRun]:
    """The waiting calls in `states` (of `ToolCall.State`) grouped by run, at most `MOST_SHOWN`; the run with the
    nearest deadline first, then the oldest.

    The run of the call `change` comes first, and the first of that call's arguments has the focus.
    """
    calls = waiting_calls(user).filter(state__in=states).select_related("run", "run__user", "run__agent")
    calls = calls.annotate(deadline=_deadline(), said=_said(), calls_in_turn=_calls_in_turn(), first_task=_first_task())
    order = (F("deadline").asc(nulls_last=True), "run__created_at", "run_id", "turn", "index", "position")
    first = [Exists(ToolCall.objects.filter(pk=change, run=OuterRef("run"))).desc()] if change else []
    groups: dict[Any, PendingRun] = {}
    shown = list(calls.order_by(*first, *order)[:MOST_SHOWN])
    questions = _questions_of(shown)
    for place, call in enumerate(shown):
        group = groups.setdefault(call.run_id, PendingRun(call.run, call.said, first_task=call.first_task or ""))
        is_open = call.pk == change
        in_turn = 1 if call.position else call.calls_in_turn
        waiting = PendingCall(call, in_turn, is_open, has_form=is_open or place < MOST_FORMS, said=call.said)
        waiting.question, waiting.first_task = questions.get(call.pk), call.first_task or ""
        group.calls.append(waiting)
    return list(groups.values())


def _questions_of(calls: Iterable[ToolCall]) -> dict[UUID, Question]:
    """The open questions of the calls."""
    asking = [call.pk for call in calls if call.state == ToolCall.State.AWAITING_ANSWER]
    if not asking:
        return {}
    return {each.call_id: each for each in Question.objects.filter(call__in=asking, state=Question.State.OPEN)}


def _deadline() -> Coalesce:
    """The nearest deadline of an approval in the run of a call, else of a question; null for none."""
    asking = ToolCall.objects.filter(run=OuterRef("run"), state=ToolCall.State.AWAITING_APPROVAL)
    questions = Question.objects.filter(call__run=OuterRef("run"), state=Question.State.OPEN)
    nearest = (
        Subquery(rows.filter(expires_at__isnull=False).order_by("expires_at").values("expires_at")[:1])
        for rows in (asking, questions)
    )
    return Coalesce(*nearest)


def _said() -> Coalesce:
    """What the model said in the turn of a call, before the call."""
    recent = Step.objects.filter(run=OuterRef("run"), sequence__gt=OuterRef("run__next_sequence") - LAST_STEPS)
    words = recent.filter(kind=Step.Kind.REASONING, turn=OuterRef("turn")).exclude(content="").order_by("-sequence")
    return Coalesce(Subquery(words.values(beginning=Substr("content", 1, MOST_SAID_CHARS))[:1]), Value(""))


def _first_task() -> Subquery:
    """The beginning of the task of the first run of the tree; null for a call of that run itself, or of a run alone."""
    first = Run.objects.filter(pk=OuterRef("run__root")).order_by()
    return Subquery(first.values(beginning=Substr("task", 1, START_CHARS))[:1])


def _calls_in_turn() -> Subquery:
    turn = ToolCall.objects.filter(run=OuterRef("run"), turn=OuterRef("turn"), position=0).order_by()
    return Subquery(turn.values("turn").annotate(number=Count("pk")).values("number"))


def count_for_pages(request: HttpRequest) -> dict[str, Any]:
    """Context processor: `waiting_count`, the calls that wait for the user, and `may_launch`.

    They are lazy: queried only where a template shows them.
    """
    user = getattr(request, "user", None)
    return {
        "waiting_count": SimpleLazyObject(lambda: waiting_calls(user).count()),
        "may_launch": SimpleLazyObject(lambda: user is not None and may_launch(user)),
    }
