"""What the writer is asked to do, and how it ended."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from runs.engine.proof import Totals
from runs.models import Step


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a write ended: recorded up to `sequence`, fenced, not allowed because a stop was asked for, or failed."""

    kind: Literal["written", "fenced", "stop_asked", "failed"]
    sequence: int = 0
    error: BaseException | None = None

    @classmethod
    def failed(cls, error: BaseException) -> "Outcome":
        """The database refused it for good."""
        return cls("failed", error=error)


FENCED = Outcome("fenced")
STOP_ASKED = Outcome("stop_asked")


@dataclass(slots=True)
class CallUpdate:
    """A tool call that has come further."""

    call_id: UUID
    state: str
    effect: str | None = None
    """That of the tool that was started; None leaves it."""
    started_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(slots=True, kw_only=True)
class Write:
    """One atomic change of one run by the host whose claim gave it `epoch`."""

    run_id: UUID
    epoch: int
    steps: list[dict[str, Any]] = field(default_factory=list)
    """Column values of new steps, without `run_id`, `epoch` and `sequence`."""
    new_calls: list[dict[str, Any]] = field(default_factory=list)
    calls: list[CallUpdate] = field(default_factory=list)
    starts_call: bool = False
    """A call starts that may not be repeated: refused if somebody has asked to stop the run."""
    status: str | None = None
    waiting_for: str = ""
    """Goes with `status`."""
    active_ms: int = 0
    """To add to the run's."""
    tokens: int | None = None
    """To add to the run's."""
    usage_is_estimated: bool = False
    """Some of the tokens in this write were counted here."""
    cost: Decimal | None = None
    """US dollars to add to the run's."""
    cost_is_partial: bool = False
    """The cost of a reply in this write is unknown."""
    leaves: bool = False
    """The host lets go of the run with this write: owner and lease are cleared."""
    fields: dict[str, Any] = field(default_factory=dict)
    """Further columns of the run to set, such as the answer."""
    queued_at: float = 0.0
    """When it was handed to the writer, on the monotonic clock."""
    closing: Callable[[Totals], dict[str, Any]] | None = None
    """Makes one more step, the last, of what the run has used then. Called in the transaction, again if that is."""
    outcome: Outcome | None = None
    waiter: "asyncio.Future[None] | None" = None

    @property
    def is_progress(self) -> bool:
        """True if the run comes further. A note is the engine's own: one that only goes on after a crash has not."""
        return any(step["kind"] != Step.Kind.NOTE for step in self.steps)

    def wake(self) -> None:
        """Wake whoever waits for the outcome."""
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)
