"""Retries of a model call: each failure is recorded, and a person can end each wait."""

import random
from collections.abc import Callable
from typing import NoReturn, Protocol

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception

from runs.agent.errors import model_sentences as sentences
from runs.agent.errors.model_exceptions import ModelFailure, ModelUnavailable
from runs.agent.errors.retryability import is_worth_retrying
from runs.agent.messages import ModelReply, ModelRequest, OnDelta
from runs.agent.model_calls.attempt import Attempt, AttemptedModel
from runs.agent.model_calls.attempt_log import AttemptLog
from runs.agent.model_calls.backoff import Backoff
from runs.agent.model_calls.guarded_model import GuardedModel, asked_to_wait
from runs.agent.model_calls.interruptible_sleep import RetriesStopped
from runs.agent.model_calls.reply_context import ReplyContext


class RetriableModel(AttemptedModel, Protocol):
    """One model, or several in a race, that can be retried."""

    def soonest(self) -> tuple[float, GuardedModel]:
        """The model whose provider's cooldown ends first, with the seconds left."""
        ...

    def take_retry(self) -> bool:
        """Count a retry against the providers' retry budgets. False if they are used up."""
        ...

    async def record_failure(self, failure: ModelFailure, *, wait_s: float | None) -> None:
        """Record a failed attempt before the wait begins; `wait_s` is None if no attempt follows."""
        ...


class RetryingModel:
    """A `ModelProvider` that retries the wrapped one by the run's retry policy."""

    def __init__(self, wrapped: RetriableModel, context: ReplyContext) -> None:
        self.wrapped = wrapped
        self.name = wrapped.name
        self.model = wrapped.model
        self._context = context
        self._log = AttemptLog(context)
        self._is_hurried = False
        """True after a person ended the wait with "Try now"."""

    @property
    def attempt(self) -> Attempt | None:
        """The attempt that gave the last reply."""
        return self.wrapped.attempt

    async def reply(self, request: ModelRequest, *, on_delta: OnDelta | None = None) -> ModelReply:
        """The reply of the first attempt that succeeds.

        Raises the `ModelFailure` itself if it is not worth a retry, and `ModelUnavailable` after the last attempt, that
        is, when the policy, the time left, the provider's `Retry-After`, its retry budget or a person allows no more.
        Other exceptions are raised at once.
        """
        self._context.attempt_number, self._context.repeats = 0, 0
        self._is_hurried = self._context.is_hurried
        try:
            await self._begin_attempt()
            return await self.wrapped.reply(request, on_delta=on_delta)
        except ModelFailure as failure:
            if await self._is_final(failure):
                raise
            # tenacity only after a failure: it takes several times as long as a reply without latency.
            return await self._retried(failure, request, on_delta)

    async def _begin_attempt(self) -> None:
        self._context.sleep.check()
        self._context.attempt_number += 1
        self._context.most_attempts = max(self._context.most_attempts, self._context.attempt_number)
        self._context.ignores_cooldown = self._is_hurried or await self._cooldown_was_cut()
        await self._log.attempt_begins()

    async def _is_final(self, failure: ModelFailure) -> bool:
        """True if the failure is not worth a retry; it is then recorded."""
        if is_worth_retrying(failure):
            return False
        await self.wrapped.record_failure(failure, wait_s=None)
        return True

    async def _retried(self, first: ModelFailure, request: ModelRequest, on_delta: OnDelta | None) -> ModelReply:
        """The reply of a further attempt. tenacity counts the first one too: its first call raises `first` again."""
        backoff = Backoff(self._context.retry, self._context.deadline.left_s)
        decision = _Decision(backoff, first, self._refusal)
        ended = [first]

        async def first_as_it_ended_then_further() -> ModelReply:
            if ended:
                raise ended.pop()
            try:
                await self._begin_attempt()
                return await self.wrapped.reply(request, on_delta=on_delta)
            except ModelFailure as failure:
                await self._is_final(failure)
                raise

        async def before_sleep(_state: RetryCallState) -> None:
            self._context.repeats = backoff.repeats
            await self.wrapped.record_failure(decision.failure, wait_s=decision.wait_s)

        async def give_up(_state: RetryCallState) -> NoReturn:
            await self.wrapped.record_failure(decision.failure, wait_s=None)
            raise self._unavailable(decision.failure, decision.failure.no_more_because) from decision.failure

        retrying = AsyncRetrying(
            retry=retry_if_exception(lambda error: isinstance(error, ModelFailure) and is_worth_retrying(error)),
            wait=decision.wait,
            stop=decision.stop,
            before_sleep=before_sleep,
            retry_error_callback=give_up,
            sleep=self._sleep,
        )
        try:
            return await retrying(first_as_it_ended_then_further)
        except RetriesStopped:
            raise self._unavailable(decision.failure, sentences.RETRIES_STOPPED.made()) from decision.failure

    async def _sleep(self, wait_s: float) -> None:
        self._is_hurried = not await self._context.sleep.sleep(wait_s)

    async def _cooldown_was_cut(self) -> bool:
        """Wait while all providers are in a cooldown; True if a person ended the wait. It does not count as an
        attempt."""
        context = self._context
        while True:
            left_s, model = self.wrapped.soonest()
            if not left_s:
                return False
            wait_s = left_s * random.uniform(1, 1.1)  # noqa: S311 - jitter
            if left_s > context.retry.max_retry_after_s or wait_s >= context.deadline.left_s():
                raise asked_to_wait(model, left_s, sentences.ASKED_TOO_LONG)
            paused, spent = asked_to_wait(model, left_s), context.attempt_number - 1
            await self._log.cooldown(paused, wait_s, lane=model.lane, spent=spent)
            try:
                is_over = await context.sleep.sleep(wait_s)
            except RetriesStopped as stopped:
                raise asked_to_wait(model, left_s, sentences.WAIT_ENDED) from stopped
            if not is_over:
                return True

    def _refusal(self) -> str:
        """The reason against a further attempt; empty if there is none, and the attempt is then counted."""
        if self.wrapped.take_retry():
            return ""
        return sentences.TOO_MANY_RETRIES.made(provider=repr(self.wrapped.name))

    def _unavailable(self, failure: ModelFailure, why: str) -> ModelUnavailable:
        return ModelUnavailable(failure, attempts=self._context.attempt_number, why=why)


class _Decision:
    """The adapter between tenacity and `Backoff`: tenacity calls `wait` first, then `stop`."""

    def __init__(self, backoff: Backoff, failure: ModelFailure, refusal: Callable[[], str]) -> None:
        self._backoff = backoff
        self._refusal = refusal
        self.failure = failure
        """The failure of the last attempt."""
        self.wait_s: float | None = None
        """The seconds until the next attempt; None if there is none."""

    def wait(self, state: RetryCallState) -> float:
        failure = state.outcome.exception() if state.outcome else None
        if not isinstance(failure, ModelFailure):  # excluded by the retry predicate
            raise TypeError(f"Not a ModelFailure: {failure!r}")
        self.failure = failure
        self.wait_s = self._backoff.next_wait_s(failure, attempt=state.attempt_number, refusal=self._refusal)
        return self.wait_s or 0.0

    def stop(self, _state: RetryCallState) -> bool:
        return self.wait_s is None
