"""The writes a run's host asks for, and their outcomes."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID

from runs.agent.payloads.notes import UsedSoFar
from runs.engine.writing.columns import Columns
from runs.models import Run, Step

EndedAttempt = tuple[str, str]
"""An ended attempt for the metrics: `model` or `tool`, and its outcome."""
FROZE = 100
"""Added to the crashes of a run that blocks the event loop of its process. A new step resets them to 0; a run that is
lost before that is not resumed into the same, but ended: `froze`."""


@dataclass(frozen=True, slots=True)
class WriteOutcome:
    """How a write ended: recorded up to `sequence`, fenced, refused because of a stop request, or failed."""

    kind: Literal["written", "fenced", "stop_asked", "failed"]
    sequence: int = 0
    error: BaseException | None = None
    is_progress: bool = False
    """Of a written one: as of `Write`."""
    messages: tuple[str, ...] = ()
    """What people have said to the run, as far as this write has read it, in order."""
    queued_messages: int = 0
    """Messages that wait to be read after this write."""
    instead: "Write | None" = None
    """What was written instead, because messages waited."""

    @classmethod
    def failed(cls, error: BaseException) -> "WriteOutcome":
        """The outcome of a write that the database refused for good."""
        return cls("failed", error=error)


FENCED = WriteOutcome("fenced")
STOP_ASKED = WriteOutcome("stop_asked")


@dataclass(frozen=True, slots=True)
class Totals:
    """The usage of a run at one moment."""

    tokens: int | None
    cost: Decimal | None
    cost_is_partial: bool
    usage_is_estimated: bool = False

    @classmethod
    def of(cls, run: Run) -> "Totals":
        """The totals in the run's row."""
        return cls(run.tokens_used, run.cost, run.cost_is_partial, run.usage_is_estimated)

    def as_used(self) -> UsedSoFar:
        """The totals as a field of a step's payload."""
        cost = None if self.cost is None else str(self.cost)
        return UsedSoFar(tokens=self.tokens, cost=cost, cost_is_partial=self.cost_is_partial)


@dataclass(slots=True)
class CallUpdate:
    """A change of a tool call that has a row."""

    call_id: UUID
    state: str
    effect: str | None = None
    """The effect of the tool that was started; None leaves it."""
    started_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(slots=True, kw_only=True)
class Write:
    """One atomic change of one run by the host whose claim gave it `epoch`."""

    run_id: UUID
    epoch: int
    steps: list[Columns] = field(default_factory=list)
    """Column values of new steps, without `run_id`, `epoch` and `sequence`."""
    attempts: Sequence[EndedAttempt] = ()
    """The attempts that these steps end."""
    new_calls: list[Columns] = field(default_factory=list)
    calls: list[CallUpdate] = field(default_factory=list)
    questions: list[Columns] = field(default_factory=list)
    """Column values of new questions."""
    withdrawn: Sequence[UUID] = ()
    """Calls whose open questions are withdrawn."""
    starts_call: bool = False
    """An unsafe call starts: refused if a stop was requested."""
    status: str | None = None
    waiting_for: str = ""
    """Stored together with `status`."""
    active_ms: int = 0
    """To add to the run's."""
    tokens: int | None = None
    """To add to the run's."""
    usage_is_estimated: bool = False
    """Some of the tokens in this write are our own estimate."""
    cost: Decimal | None = None
    """US dollars to add to the run's."""
    cost_is_partial: bool = False
    """The cost of a reply in this write is unknown."""
    leaves: bool = False
    """The host releases the run with this write: owner and lease are cleared."""
    fields: Columns = field(default_factory=dict)
    """Further columns of the run to set, such as the answer."""
    queued_at: float = 0.0
    """When it was handed to the writer, on the monotonic clock."""
    closing: Callable[[Totals], Columns] | None = None
    """Makes the last step, a note, from the run's totals. Called in the transaction, and again if that is retried."""
    reads_before: int | None = None
    """Read the messages that wait, each with a step, as said before this turn; None: read none."""
    if_messages: "Callable[[], Write] | None" = None
    """Makes the write that is made instead of this one if messages wait, except when a stop was requested. Called in
    the transaction, and again if that is retried."""
    outcome: WriteOutcome | None = None
    waiter: "asyncio.Future[None] | None" = None

    @property
    def is_progress(self) -> bool:
        """True if the run made progress, or parks: it had nothing left to do here. A note alone is the engine's own: a
        resumed run may have nothing but that."""
        parks = self.leaves and self.status == Run.Status.WAITING
        return parks or any(step["kind"] != Step.Kind.NOTE for step in self.steps)

    def wake(self) -> None:
        """Wake the waiter of the outcome."""
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)
