"""One round of a race for a reply, in which each lane is one attempt at one model.

Lanes do not retry: the attempts of a turn are rounds of the whole race.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from runs.agent.concurrency.race import AllFailed, Strategy, first_success
from runs.agent.errors.exception_text import for_log
from runs.agent.errors.exceptions import AgentFailure
from runs.agent.errors.model_exceptions import ModelFailure, ModelPaused
from runs.agent.errors.retryability import is_worth_retrying
from runs.agent.messages import Delta, ModelReply, ModelRequest, OnDelta
from runs.agent.model_calls.attempt import Attempt, RaceResult
from runs.agent.model_calls.guarded_model import GuardedModel
from runs.agent.model_calls.token_bucket import TokenBucket
from runs.agent.payloads.steps import AskedLane

logger = logging.getLogger(__name__)

OnFailedLane = Callable[[Attempt, ModelFailure], Awaitable[None]]
OnStart = Callable[[Strategy, Sequence[AskedLane]], Awaitable[None]]


class _Lane:
    """A model in the round, with the events that the next lane waits for."""

    def __init__(self, model: GuardedModel) -> None:
        self.model = model
        self.failure: Exception | None = None
        self.begun = asyncio.Event()
        self.has_news = asyncio.Event()
        """Set at its first piece or at its end."""
        self.has_failed = asyncio.Event()
        """Set once its failure is recorded, so that the next lane's steps come later. Never set after a reply."""

    @property
    def attempt(self) -> Attempt | None:
        """The attempt in this round; None if no request was sent."""
        return self.model.attempt if self.begun.is_set() else None

    @property
    def may_run_again(self) -> bool:
        """True unless another attempt would fail too."""
        failure = self.failure
        return failure is None or isinstance(failure, ModelPaused) or is_worth_retrying(failure)


class RaceRound:
    """One round: `race` starts all lanes at once; `hedge` starts the next one when a lane fails or is slow to begin."""

    def __init__(
        self,
        models: Sequence[GuardedModel],
        *,
        strategy: Strategy,
        hedges: TokenBucket,
        on_failed: OnFailedLane,
        on_start: OnStart,
    ) -> None:
        self._lanes = [_Lane(model) for model in models]
        self._strategy: Strategy = strategy
        self._hedges = hedges
        self._on_failed = on_failed
        self._on_start = on_start
        self._has_begun = False
        self._winner: Attempt | None = None

    @property
    def result(self) -> RaceResult:
        """The attempts of the round, and the winner."""
        started = [attempt for lane in self._lanes if (attempt := lane.attempt) is not None]
        return RaceResult(strategy=self._strategy, started=started, winner=self._winner, has_begun=self._has_begun)

    @property
    def survivors(self) -> list[GuardedModel]:
        """The models worth another round."""
        return [lane.model for lane in self._lanes if lane.may_run_again]

    async def run(self, request: ModelRequest, on_delta: OnDelta | None) -> ModelReply:
        """The reply of the winning lane; all others have ended by then.

        Raises the most relevant failure if no lane succeeds.
        """
        self._hedges.note_call()
        if self._strategy == "race":
            await self._begin([lane for lane in self._lanes if lane.model.would_ask], time.time())
        attempts = [partial(self._run_lane, index, request, on_delta) for index in range(len(self._lanes))]
        try:
            reply, index = await first_success(*attempts, before_cancel=self._mark_cancelled)
        except AllFailed as failed:
            raise _what_counts(failed.exceptions) from failed
        self._winner = self._lanes[index].attempt
        return reply

    def _mark_cancelled(self) -> None:
        for lane in self._lanes:
            if lane.attempt is not None and lane.attempt.ended_at is None:
                lane.attempt.is_cancelled = True

    async def _begin(self, lanes: Sequence[_Lane], now: float | None) -> None:
        """Report the start of a race between at least two lanes, once. `now`: the start of those not begun, if they
        begin together."""
        if self._has_begun or len(lanes) < 2:
            return
        self._has_begun = True
        asked = [
            AskedLane(
                lane=lane.model.lane,
                provider=lane.model.provider.name,
                model=lane.model.provider.model,
                started_at=lane.attempt.started_at if lane.attempt is not None else now,
            )
            for lane in lanes
        ]
        await self._on_start(self._strategy, asked)

    async def _run_lane(self, index: int, request: ModelRequest, on_delta: OnDelta | None) -> ModelReply:
        lane = self._lanes[index]
        if self._strategy == "hedge" and index > 0:
            await self._until_due(self._lanes[index - 1])
            await self._begin(self._lanes, None)

        def hear(delta: Delta) -> None:
            lane.has_news.set()
            if on_delta is not None:
                on_delta(delta)

        lane.begun.set()
        try:
            return await lane.model.reply(request, on_delta=hear)
        except Exception as failure:
            lane.failure = failure
            lane.has_news.set()
            try:
                await self._report(lane, failure)
            finally:
                lane.has_failed.set()
            raise
        finally:
            lane.has_news.set()

    async def _report(self, lane: _Lane, failure: Exception) -> None:
        if isinstance(failure, ModelFailure):
            if lane.attempt is not None:
                await self._on_failed(lane.attempt, failure)
        elif not isinstance(failure, AgentFailure):  # for example a limit of the run, which is not a bug
            logger.error("%r ended by an unexpected error.", lane.model.model, exc_info=for_log(failure))

    async def _until_due(self, before: _Lane) -> None:
        """Wait until the lane before has failed, or is slower to begin than usual and the hedge budget allows one
        more."""
        waiting = [asyncio.ensure_future(each.wait()) for each in (before.begun, before.has_failed)]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waiting:
                each.cancel()
        try:
            async with asyncio.timeout(before.model.health.latency.slow_after_s()) as deadline:
                await before.has_news.wait()
        except TimeoutError:
            if not deadline.expired():
                raise
            if self._hedges.take():
                return
        await before.has_failed.wait()


def _what_counts(failures: Sequence[Exception]) -> Exception:
    """The most relevant failure: a bug first, then the retriable one with the shortest Retry-After, then any other."""
    ours = [each for each in failures if isinstance(each, ModelFailure)]
    if len(ours) < len(failures):
        return next(each for each in failures if not isinstance(each, ModelFailure))
    passing = [each for each in ours if is_worth_retrying(each)]
    if passing:
        return min(passing, key=lambda each: each.retry_after_s or 0.0)
    return min(ours, key=lambda each: each.retry_after_s or 0.0)
