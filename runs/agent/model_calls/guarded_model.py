"""The guard around a model: circuit breaker, cooldown and latency of each request."""

import asyncio
import logging
import time
from typing import Self

from runs.agent.concurrency.circuit_breaker import BreakerCall
from runs.agent.errors import model_sentences as sentences
from runs.agent.errors.model_exceptions import ModelFailure, ModelPaused
from runs.agent.errors.sentences import ErrorSentence
from runs.agent.messages import Delta, ModelProvider, ModelReply, ModelRequest, OnDelta
from runs.agent.model_calls.attempt import Attempt
from runs.agent.model_calls.attempt_log import AttemptLog
from runs.agent.model_calls.call_outcomes import outcome_of
from runs.agent.model_calls.provider_health import ModelHealth
from runs.agent.model_calls.reply_context import ReplyContext

logger = logging.getLogger(__name__)


class GuardedModel:
    """A `ModelProvider` that sends no request while the model is unhealthy. Each reply is one `Attempt`."""

    def __init__(
        self,
        wrapped: ModelProvider,
        context: ReplyContext,
        *,
        health: ModelHealth,
        provider: ModelProvider | None = None,
        lane: int = 1,
    ) -> None:
        """`provider` is the innermost model, named in attempts; None for `wrapped`. `lane` is its place in the order of
        preference, from 1."""
        self.wrapped = wrapped
        self.provider = provider or wrapped
        self.name = wrapped.name
        self.model = wrapped.model
        self.lane = lane
        self.health = health
        self.attempt: Attempt | None = None
        """The last attempt; None if nothing was sent."""
        self._context = context
        self._log = AttemptLog(context)

    async def reply(self, request: ModelRequest, *, on_delta: OnDelta | None = None) -> ModelReply:
        """The reply. Raises `ModelFailure`; `ModelPaused` if nothing was sent."""
        self.attempt = None
        call = self._admitted()
        attempt = self.attempt = self._begun()

        def hear(delta: Delta) -> None:
            if attempt.first_token_at is None:
                attempt.first_token_at = time.time()
            self._context.journal.show(attempt.card, delta)
            if on_delta is not None:
                on_delta(delta)

        try:
            reply = attempt.reply = await self.wrapped.reply(request, on_delta=hear)
        except Exception as failure:
            if attempt.is_cancelled:
                logger.info("%r answered its cancellation with %r.", self.model, failure)
                raise asyncio.CancelledError from failure
            self._note_failure(attempt, call, failure)
            raise
        finally:
            # A cancellation, or a bug in the provider, says nothing about the model; an outcome reported before is
            # kept.
            call.ended("not_counted" if attempt.reply is None else "succeeded")
            ended_at = attempt.ended_at = time.time()
            attempt.cut_off = None if attempt.reply is not None else getattr(self.wrapped, "cut_off", None)
        attempt.first_token_at = attempt.first_token_at or ended_at
        self.health.latency.note(attempt.first_token_at - attempt.started_at)
        return reply

    @property
    def would_ask(self) -> bool:
        """False while the provider's cooldown keeps a request from being sent."""
        return self._context.ignores_cooldown or self.health.provider.cooldown.left_s() <= 0

    def soonest(self) -> tuple[float, Self]:
        """The seconds until the end of the cooldown, and this model."""
        return self.health.provider.cooldown.left_s(), self

    def take_retry(self) -> bool:
        """Count a retry against the provider's retry budget. False if the budget is used up."""
        return self.health.provider.retries.take()

    async def record_failure(self, failure: ModelFailure, *, wait_s: float | None) -> None:
        """Record the failure of the last attempt; `wait_s` is the wait for the next one, None if there is none."""
        made = None if isinstance(failure, ModelPaused) else self.attempt
        await self._log.failed(failure, lane=self.lane, made=made, wait_s=wait_s)

    def _admitted(self) -> BreakerCall:
        """The call to send. Raises `ModelPaused` if none may be sent now."""
        if not self._context.ignores_cooldown and (wait_s := self.health.provider.cooldown.left_s()) > 0:
            raise asked_to_wait(self, wait_s)
        call = self.health.breaker.begin()
        if not isinstance(call, BreakerCall):
            raise _breaker_open(self, call)
        return call

    def _begun(self) -> Attempt:
        number, turn = self._context.attempt_number, self._context.turn
        if number == 1:
            self.health.provider.retries.note_call()
        card = f"{turn}-{self._context.attempts_before + number}-{self.lane}"
        return Attempt(provider=self.provider, lane=self.lane, number=number, card=card)

    def _note_failure(self, attempt: Attempt, call: BreakerCall, failure: Exception) -> None:
        attempt.failure = failure
        if isinstance(failure, ModelFailure):
            call.ended(outcome_of(failure))
            self.health.provider.cooldown.note(failure.retry_after_s)


def asked_to_wait(
    provider: ModelProvider, wait_s: float, sentence: ErrorSentence = sentences.ASKED_TO_WAIT
) -> ModelPaused:
    """The failure of an attempt that is not made because of the provider's cooldown."""
    words = sentence.made(provider=repr(provider.name), wait_s=f"{wait_s:.3g}")
    return ModelPaused(words, reason="asked_to_wait", provider=provider.name, model=provider.model, wait_s=wait_s)


def _breaker_open(provider: ModelProvider, wait_s: float) -> ModelPaused:
    words = sentences.BREAKER_OPEN.made(model=repr(provider.model), wait_s=f"{wait_s:.3g}")
    return ModelPaused(words, reason="breaker_open", provider=provider.name, model=provider.model, wait_s=wait_s)
