"""The journal protocol: how a run records what it does, and where it waits for durability."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal, Protocol, get_args

from runs.agent.errors.agent_error import AgentError
from runs.agent.messages import Delta, ToolInvocation
from runs.agent.state import AgentStatus
from runs.agent.thoughts import AgentThought
from runs.agent.tools.person_questions import PersonQuestion
from runs.agent.tools.protocol import Effect

CallState = Literal[
    "proposed",
    "awaiting_approval",
    "awaiting_answer",
    "awaiting_child",
    "approved",
    "denied",
    "started",
    "succeeded",
    "failed",
    "unknown",
]
ParkedFor = Literal["decision", "approval", "answer", "child"]
"""What a run waits for."""
PARKED_FOR: Final[tuple[ParkedFor, ...]] = get_args(ParkedFor)
"""If the calls of a run wait for several things, the first of these names its wait."""


@dataclass(frozen=True, slots=True)
class QuestionAsked:
    """A question that a call asks."""

    question: PersonQuestion
    round: int
    """Which question of the call it is, from 1."""
    expires_at: float | None
    """The deadline in seconds since the epoch; None for never."""
    resume_state: Any = None
    """What the tool gets back with the answer (JSON)."""


@dataclass(frozen=True, slots=True)
class CallChange:
    """A new tool call, or a new state of one."""

    call: ToolInvocation
    state: CallState
    effect: Effect
    is_new: bool = False
    expires_at: float | None = None
    """When a call that awaits approval expires, in seconds since the epoch; None for never."""
    asked: QuestionAsked | None = None
    """What a call that is `awaiting_answer` asks."""
    ran: tuple[float, float] | None = None
    """When a call with a result began and ended, if that was not just now: its child run did."""


@dataclass(slots=True, kw_only=True)
class Entry:
    """One atomic write: all of it is recorded, or nothing."""

    thoughts: Sequence[AgentThought] = ()
    calls: Sequence[CallChange] = ()
    status: AgentStatus | None = None
    """The run's new status; None for no change."""
    parks: ParkedFor | None = None
    """With `AgentStatus.WAITING`: the run gives up its host and waits. The last entry of this claim."""
    tokens: int | None = None
    """Tokens to add to the run's total; None when the provider reported none."""
    usage_is_estimated: bool = False
    """Part of `tokens` is our own count: the run's total is shown as "about" from here on."""
    cost: Decimal | None = None
    """US dollars to add to the run's cost; None when unknown."""
    cost_is_partial: bool = False
    """Part of the cost is unknown: the run's cost is shown as "at least" from here on."""
    output: Any = None
    """The answer as validated data (JSON), with `AgentStatus.COMPLETED`, if the run has an output schema."""
    could_not: bool = False
    """The answer says that the task could not be done, with `AgentStatus.COMPLETED`."""
    replay: Any = None
    """The reply's private replay value, stored with the first thought."""
    error: AgentError | None = None
    """Why the run failed, with `AgentStatus.FAILED`."""
    if_messages: "Entry | None" = None
    """With `AgentStatus.COMPLETED`: what is recorded instead, together with the messages, if some wait to be read."""


class Journal(Protocol):
    """The record of one run. Entries are stored in the order of the calls."""

    async def record(self, entry: Entry) -> None:
        """Queue an entry; it may not be durable yet. Raises `JournalClosed`."""
        ...

    async def durable(self) -> None:
        """Return when everything recorded so far is durable. Raises `JournalClosed`."""
        ...

    async def read_messages(self, *, turn: int) -> tuple[str, ...]:
        """What people have said to the run since the last time, in order; recorded as read before the reply of `turn`.

        Durable when this returns. Raises `JournalClosed`.
        """
        ...

    async def complete(self, entry: Entry, note: Callable[[tuple[str, ...]], None]) -> None:
        """Record the entry that completes the run; nothing can follow it. `note` is called once that is recorded, also
        if the caller is cancelled meanwhile.

        If messages wait to be read and it has an `if_messages`, that is recorded instead, with the messages as read
        before the next turn, and `note` gets them: the run goes on. Raises `JournalClosed`.
        """
        ...

    async def interrupt(self, entry: Entry) -> str:
        """Record the replies in the making as interrupted, and the entry. Returns the text of the one that is a turn of
        the run, which the next reply is told of; empty without one."""
        ...

    async def start(self, change: CallChange) -> None:
        """Record the start of a call, and return when that is durable. Raises `JournalClosed`.

        Does not return if a stop was requested before: the call must not start, and a cancellation follows.
        """
        ...

    def as_stored(self, value: Any) -> Any:
        """The JSON value as the record gives it back: without the secrets that are not stored."""
        ...

    def show(self, card: str, delta: Delta) -> None:
        """Show a piece of a reply to the present viewers. Not awaited; may be lost.

        A stored journal keeps the pieces of a reply that fails, together with the entry that records the failure.
        `card` is `turn-attempt-lane` (each from 1). The thought that ends the card has it in its payload: the
        reply's last thought, or the retry that voids the attempt's text.
        """
        ...


class ReportingJournal:
    """The journal of a run outside the engine: passes each thought to a callback and stores nothing."""

    def __init__(self, report: Callable[[AgentThought], object] | None = None) -> None:
        self._report = report
        self.thoughts_recorded = 0

    async def record(self, entry: Entry) -> None:
        """Report the entry's thoughts in order."""
        for thought in entry.thoughts:
            self.thoughts_recorded += 1
            if self._report is not None:
                self._report(thought)

    async def durable(self) -> None:
        """Nothing is stored, so there is nothing to wait for."""

    async def read_messages(self, *, turn: int) -> tuple[str, ...]:  # noqa: ARG002
        """Nobody can say anything to the run."""
        return ()

    async def complete(self, entry: Entry, note: Callable[[tuple[str, ...]], None]) -> None:
        """Report the entry's thoughts in order."""
        note(())  # A script that is cancelled while it hears of the answer has one.
        await self.record(entry)

    async def interrupt(self, entry: Entry) -> str:
        """Report the entry's thoughts in order."""
        await self.record(entry)
        return ""

    async def start(self, change: CallChange) -> None:
        """Nothing is stored, so there is nothing to wait for."""

    def as_stored(self, value: Any) -> Any:
        """The value itself."""
        return value

    def show(self, card: str, delta: Delta) -> None:
        """Do nothing: a callback gets whole thoughts only."""
