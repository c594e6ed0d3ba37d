"""The record of one request to one model."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from runs.agent.concurrency.race import Strategy
from runs.agent.messages import ModelProvider, ModelReply
from runs.agent.payloads.steps import LaneOutcome
from runs.agent.usage import Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedReply:
    """A reply, with the data of its attempt. Times are seconds since the epoch."""

    reply: ModelReply
    provider: ModelProvider
    attempt: int
    """The number of the attempt at this provider, or of the round of a race, from 1."""
    lane: int
    """The provider's place in the order of preference, from 1."""
    card: str
    """The card that shows the pieces (`Journal.show`); the reply's last thought ends it."""
    started_at: float
    """Start of the attempt, not of the first one for this reply."""
    first_token_at: float | None
    ended_at: float


@dataclass(slots=True, kw_only=True, eq=False)
class Attempt:
    """A request that was sent. Times are seconds since the epoch; None: not yet."""

    provider: ModelProvider
    lane: int
    """The provider's place in the order of preference, from 1."""
    number: int
    """The number of the attempt at this reply, from 1."""
    card: str
    started_at: float = field(default_factory=time.time)
    first_token_at: float | None = None
    """Time of the first piece; without streaming, of the reply."""
    ended_at: float | None = None
    reply: ModelReply | None = None
    failure: Exception | None = None
    cut_off: Usage | None = None
    """What a reply that was cut off had used, by our own count; None if unknown."""
    is_cancelled: bool = False
    """Its reply is no longer wanted: an error from here on is the provider's answer to the cancellation."""

    @property
    def outcome(self) -> LaneOutcome:
        """The outcome, unless the attempt won: a request in flight when another one wins is cancelled."""
        if self.failure is not None:
            return "failed"
        return "cancelled" if self.reply is None else "lost"

    def received(self) -> ReceivedReply:
        """The reply with the data of this attempt. Raises `LookupError` without a reply."""
        if self.reply is None:
            raise LookupError("The attempt has given no reply.")
        return ReceivedReply(
            reply=self.reply,
            provider=self.provider,
            attempt=self.number,
            lane=self.lane,
            card=self.card,
            started_at=self.started_at,
            first_token_at=self.first_token_at,
            ended_at=self.ended_at or self.started_at,
        )


class AttemptedModel(ModelProvider, Protocol):
    """A model provider that exposes its last attempt."""

    @property
    def attempt(self) -> Attempt | None:
        """The last attempt; after a reply, the one that gave it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RaceResult:
    """The outcome of a race or hedge."""

    strategy: Strategy
    started: Sequence[Attempt]
    """The attempts whose request was sent, in the order of the lanes."""
    winner: Attempt | None
    """None if no attempt gave a reply."""
    has_begun: bool = False
    """True if its start is recorded."""
