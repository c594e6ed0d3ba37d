"""One request to one provider, with what all runs know about it."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from runs.agent.errors import ModelFailure, ModelPaused
from runs.agent.messages import Delta, ModelProvider, ModelReply, ModelRequest, OnDelta
from runs.agent.resilience.breaker import Call, outcome_of
from runs.agent.resilience.listening import Listening, Patience
from runs.agent.resilience.shared import Standing

MakeRequest = Callable[[float], ModelRequest]
"""The request for an attempt that may take that many seconds."""

LaneOutcome = Literal["won", "lost", "failed", "cancelled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A reply, and how it was got."""

    reply: ModelReply
    provider: ModelProvider
    attempt: int
    """Which attempt at this provider gave it, or which round of a race, from 1."""
    lane: int
    """The provider's place in the order of preference, from 1."""
    card: str
    """What its pieces were shown as; the reply's last thought ends it."""
    started_at: float
    """When that attempt began, in seconds since the epoch."""
    first_token_at: float | None
    ended_at: float


class Attempt:
    """One try of one model. `lane` is the provider's place in the order of preference, from 1."""

    def __init__(self, provider: ModelProvider, *, lane: int, number: int, card: str, standing: Standing) -> None:
        self.provider = provider
        self.lane = lane
        self.number = number
        """Which attempt at this reply, from 1."""
        self.card = card
        self.standing = standing
        self.started_at: float | None = None
        """Seconds since the epoch; None while nothing was sent."""
        self.first_token_at: float | None = None
        self.ended_at: float | None = None
        self.reply: ModelReply | None = None
        self.failure: Exception | None = None
        self.begun = asyncio.Event()
        self.has_news = asyncio.Event()
        """Its first piece came, or it ended."""
        self.has_failed = asyncio.Event()
        """Set when its failure has been dealt with: who waits for this comes next. Never after a reply."""

    async def run(
        self, request: MakeRequest, patience: Patience, show: OnDelta, *, heed_cooldown: bool = True
    ) -> ModelReply:
        """Ask. Raises `ModelFailure`; `ModelPaused` if nothing was sent. How it went stays here."""
        try:
            self.reply = await self._ask(request, patience, show, heed_cooldown=heed_cooldown)
            return self.reply
        except Exception as failure:
            self.failure = failure
            raise
        finally:
            self.ended_at = time.time()
            self.has_news.set()

    async def _ask(self, request: MakeRequest, patience: Patience, show: OnDelta, *, heed_cooldown: bool) -> ModelReply:
        account = self.standing.account
        if heed_cooldown and (wait_s := account.cooldown.left_s()) > 0:
            raise asked_to_wait(self.provider, wait_s)
        call = self.standing.breaker.begin()
        if not isinstance(call, Call):
            raise _breaker_open(self.provider, call)
        if self.number == 1:
            account.retries.note_call()
        listening = Listening(self.provider, patience, lambda delta: self._hear(delta, show))
        self.started_at = listening.started_at
        self.begun.set()
        try:
            reply = await listening.reply(request(patience.total_s))
        except ModelFailure as failure:
            call.ended(outcome_of(failure))
            account.cooldown.note(failure.retry_after_s)
            raise
        finally:
            # A cancellation, or a bug in the provider, says nothing about the model; a told outcome stays.
            call.ended("succeeded" if listening.has_replied else "not_counted")
            self.first_token_at = listening.first_token_at
        self.standing.pace.note((self.first_token_at or time.time()) - self.started_at)
        return reply

    def _hear(self, delta: Delta, show: OnDelta) -> None:
        self.has_news.set()
        show(delta)

    def asked(self, reply: ModelReply) -> Asked:
        """What it gave, for the run to go on with."""
        started_at = self.started_at or 0.0
        return Asked(
            reply=reply,
            provider=self.provider,
            attempt=self.number,
            lane=self.lane,
            card=self.card,
            started_at=started_at,
            first_token_at=self.first_token_at,
            ended_at=self.ended_at or started_at,
        )

    @property
    def outcome(self) -> LaneOutcome:
        """How it ended, unless it won; a cancellation is the end of whoever is still asked when another has won."""
        if self.failure is not None:
            return "failed"
        return "cancelled" if self.reply is None else "lost"


def asked_to_wait(provider: ModelProvider, wait_s: float, why: str = "") -> ModelPaused:
    """The failure of an attempt that is not made, because the provider asked to be left alone."""
    words = f"{provider.name!r} asked to be left alone for another {wait_s:.3g} s{why}. Nothing was sent."
    return ModelPaused(words, reason="asked_to_wait", provider=provider.name, model=provider.model, wait_s=wait_s)


def _breaker_open(provider: ModelProvider, wait_s: float) -> ModelPaused:
    words = (
        f"{provider.model!r} failed most of its last calls, so it is left alone for another {wait_s:.3g} s. "
        "Nothing was sent."
    )
    return ModelPaused(words, reason="breaker_open", provider=provider.name, model=provider.model, wait_s=wait_s)
