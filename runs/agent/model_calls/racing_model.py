"""Race and hedge: several models are asked for one reply in parallel, and the first reply wins."""

from collections.abc import Sequence

from runs.agent.concurrency.race import Strategy
from runs.agent.errors.model_exceptions import ModelFailure
from runs.agent.messages import ModelReply, ModelRequest, OnDelta
from runs.agent.model_calls.attempt import Attempt
from runs.agent.model_calls.attempt_log import AttemptLog
from runs.agent.model_calls.guarded_model import GuardedModel
from runs.agent.model_calls.race_round import RaceRound
from runs.agent.model_calls.reply_context import ReplyContext
from runs.agent.model_calls.token_bucket import TokenBucket


class RacingModel:
    """A `ModelProvider` under the name of the first model still in the race. Each call of `reply` is one round."""

    def __init__(
        self, models: Sequence[GuardedModel], context: ReplyContext, *, strategy: Strategy, hedges: TokenBucket
    ) -> None:
        """`strategy` is `race` or `hedge`; `hedges` limits the number of additional requests."""
        self.attempt: Attempt | None = None
        """The winner of the last round."""
        self._keep(models)
        self._strategy: Strategy = strategy
        self._hedges = hedges
        self._log = AttemptLog(context)

    async def reply(self, request: ModelRequest, *, on_delta: OnDelta | None = None) -> ModelReply:
        """The first reply; the other requests have ended by then. Raises the most relevant failure if none succeeds."""
        race = RaceRound(
            self._models,
            strategy=self._strategy,
            hedges=self._hedges,
            on_failed=self._log.lane_failed,
            on_start=self._log.race_begins,
        )
        try:
            reply = await race.run(request, on_delta)
        except ModelFailure:
            self._keep(race.survivors or self._models)
            await self._log.raced(race.result)
            raise
        self.attempt = race.result.winner
        await self._log.raced(race.result)
        return reply

    def soonest(self) -> tuple[float, GuardedModel]:
        """The model whose cooldown ends first, with its seconds left."""
        return min((each.soonest() for each in self._models), key=lambda soonest: soonest[0])

    def take_retry(self) -> bool:
        """True if the retry budget of any model allows another attempt; the models without budget leave the race."""
        allowed = [each for each in self._models if each.take_retry()]
        self._keep(allowed or self._models)
        return bool(allowed)

    async def record_failure(self, failure: ModelFailure, *, wait_s: float | None) -> None:
        """Record the wait for the next round, or that nothing was sent; the lanes' failures are recorded already."""
        await self._log.round_failed(failure, wait_s=wait_s)

    def _keep(self, models: Sequence[GuardedModel]) -> None:
        """Continue the race with these models only."""
        self._models = models
        self.name, self.model = models[0].name, models[0].model
