"""A race for one reply: every lane one provider, and one attempt of it.

Lanes do not try again by themselves: the attempts of a turn are rounds of the whole race.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from runs.agent.classify import is_worth_retrying
from runs.agent.errors import AgentFailure, ModelFailure
from runs.agent.messages import ModelReply
from runs.agent.race import AllFailed, Strategy, first_success
from runs.agent.resilience.allowance import Allowance
from runs.agent.resilience.attempt import Attempt

logger = logging.getLogger(__name__)


class Round:
    """One round. `race` starts all lanes at once; `hedge` one, and the next when it fails or is slow to begin."""

    def __init__(
        self,
        lanes: Sequence[Attempt],
        *,
        strategy: Strategy,
        hedges: Allowance,
        run: Callable[[Attempt], Awaitable[ModelReply]],
        on_failed: Callable[[Attempt, ModelFailure], Awaitable[None]],
    ) -> None:
        self.lanes = lanes
        self.strategy = strategy
        self.hedges = hedges
        self.winner: Attempt | None = None
        self._run = run
        self._on_failed = on_failed

    @property
    def started(self) -> list[Attempt]:
        """The lanes whose provider was asked."""
        return [lane for lane in self.lanes if lane.started_at is not None]

    async def run(self) -> tuple[Attempt, ModelReply]:
        """The attempt that won, and its reply; every other one has ended by then.

        Raises the failure that says best why none did.
        """
        self.hedges.note_call()
        try:
            reply, index = await first_success(*[partial(self._lane, index) for index in range(len(self.lanes))])
        except AllFailed as failed:
            raise _what_counts(failed.exceptions) from failed
        self.winner = self.lanes[index]
        return self.winner, reply

    async def _lane(self, index: int) -> ModelReply:
        lane = self.lanes[index]
        if self.strategy == "hedge" and index > 0:
            await self._until_due(self.lanes[index - 1])
        try:
            return await self._run(lane)
        except Exception as failure:
            try:
                await self._tell(lane, failure)
            finally:
                lane.has_failed.set()
            raise

    async def _tell(self, lane: Attempt, failure: Exception) -> None:
        if isinstance(failure, ModelFailure):
            if lane.started_at is not None:
                await self._on_failed(lane, failure)
        elif not isinstance(failure, AgentFailure):  # a limit of the run, say, is no bug
            logger.error("%r ended by an unexpected error.", lane.provider.model, exc_info=failure)

    async def _until_due(self, before: Attempt) -> None:
        """Wait until the lane before has failed, or has not begun to speak for longer than is usual for it."""
        waiting = [asyncio.ensure_future(each.wait()) for each in (before.begun, before.has_failed)]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waiting:
                each.cancel()
        try:
            async with asyncio.timeout(before.standing.pace.slow_after_s()) as deadline:
                await before.has_news.wait()
        except TimeoutError:
            if not deadline.expired():
                raise
            if self.hedges.take():
                return
        await before.has_failed.wait()


def _what_counts(failures: Sequence[Exception]) -> Exception:
    """Of what ended each lane: a bug before everything, else what may pass soonest, else what was really asked."""
    ours = [each for each in failures if isinstance(each, ModelFailure)]
    if len(ours) < len(failures):
        return next(each for each in failures if not isinstance(each, ModelFailure))
    passing = [each for each in ours if is_worth_retrying(each)]
    if passing:
        return min(passing, key=lambda each: each.retry_after_s or 0.0)
    return min(ours, key=lambda each: each.retry_after_s or 0.0)
