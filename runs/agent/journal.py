"""Where a run writes down what it does, and when it waits for that to be durable."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, Protocol

from runs.agent.errors import AgentError, AgentFailure
from runs.agent.messages import Delta, ToolCall
from runs.agent.state import AgentStatus
from runs.agent.thoughts import AgentThought
from runs.agent.tools.protocol import Effect

CallState = Literal["proposed", "awaiting_approval", "approved", "denied", "started", "succeeded", "failed", "unknown"]
ParkedFor = Literal["approval", "decision"]


class JournalClosed(AgentFailure):
    """The journal takes no more entries: the run was taken over, or could not be stored. Stop and write nothing."""


@dataclass(frozen=True, slots=True)
class CallChange:
    """A tool call is new, or has come further."""

    call: ToolCall
    state: CallState
    effect: Effect
    is_new: bool = False
    expires_at: float | None = None
    """When a call that awaits approval is decided without a person, in seconds since the epoch; None for never."""


@dataclass(slots=True, kw_only=True)
class Entry:
    """What belongs together: either all of it is recorded, or none."""

    thoughts: Sequence[AgentThought] = ()
    calls: Sequence[CallChange] = ()
    status: AgentStatus | None = None
    """The run's status from here on; None leaves it."""
    parks: ParkedFor | None = None
    """With `AgentStatus.WAITING`: the run waits for a person from here on, and has no host. Nothing follows."""
    tokens: int | None = None
    """Tokens to add to the run's; None when the provider reported none."""
    usage_is_estimated: bool = False
    """Some of the tokens recorded here were counted here: the run's are "about" from here on."""
    cost: Decimal | None = None
    """US dollars to add to the run's; None when unknown."""
    cost_is_partial: bool = False
    """What is recorded here cost something nobody knows: the run's cost is "at least" from here on."""
    output: Any = None
    """The answer as validated data (JSON), with `AgentStatus.COMPLETED`, if the run has an output schema."""
    replay: Any = None
    """The reply's private replay value, kept with the first thought."""
    error: AgentError | None = None
    """Why the run failed, with `AgentStatus.FAILED`."""


class Journal(Protocol):
    """A run's own record. Entries are kept in the order they were given."""

    async def record(self, entry: Entry) -> None:
        """Queue an entry; it may not be durable yet. Raises `JournalClosed`."""
        ...

    async def durable(self) -> None:
        """Return when everything recorded so far is durable. Raises `JournalClosed`."""
        ...

    async def start(self, change: CallChange) -> None:
        """Record that a call starts, and return when that is durable. Raises `JournalClosed`.

        It does not return if a stop was asked for before: the call does not start, and a cancellation is on its way.
        """
        ...

    def show(self, card: str, delta: Delta) -> None:
        """Show a piece of a reply to whoever watches now. Never waited for, may be lost.

        A journal that is stored keeps what it was shown of a reply that comes to nothing, with the entry that says so.

        `card` is `turn-attempt-lane` (each from 1). The thought that ends the card has it as metadata `card`: the
        reply's last thought, or the retry that voids what the attempt had said.
        """
        ...


class ReportingJournal:
    """The journal of a run outside the engine: hands each thought to a callback and keeps nothing."""

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

    async def start(self, change: CallChange) -> None:
        """Nothing is stored, so there is nothing to wait for."""

    def show(self, card: str, delta: Delta) -> None:
        """Nobody watches a reply in the making."""
