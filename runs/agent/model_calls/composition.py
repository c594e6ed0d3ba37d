"""The composition of a run's models for each reply.

From the outside in: `FallbackModel`, `RetryingModel`, for several at once `RacingModel`, then `GuardedModel` (health),
`TimedModel` (time limits), `MeteredModel` (window, budget, price), and the provider. Each is a `ModelProvider` that
wraps another one.
"""

from collections.abc import Callable, Sequence
from typing import get_args

from runs.agent.budget.deadline import Deadline
from runs.agent.concurrency.race import Strategy
from runs.agent.concurrency.retry import RetryPolicy
from runs.agent.journal import Journal
from runs.agent.messages import ModelProvider
from runs.agent.model_calls.fallback_model import FallbackModel
from runs.agent.model_calls.guarded_model import GuardedModel
from runs.agent.model_calls.interruptible_sleep import InterruptibleSleep
from runs.agent.model_calls.provider_health import HEALTH, HealthRegistry
from runs.agent.model_calls.racing_model import RacingModel
from runs.agent.model_calls.reply_context import ReplyContext
from runs.agent.model_calls.retrying_model import RetryingModel
from runs.agent.model_calls.timed_model import TimedModel
from runs.agent.run_limits import RunLimits
from runs.agent.state import AgentState


class ModelComposition:
    """The models of one run.

    `fallback`: in order of preference, each with all attempts of the retry policy. `hedge` and `race`: in parallel,
    one attempt each, repeated in as many rounds as the policy allows.
    """

    def __init__(
        self,
        providers: Sequence[ModelProvider],
        *,
        journal: Journal,
        retry: RetryPolicy,
        deadline: Deadline,
        limits: RunLimits,
        strategy: Strategy = "fallback",
        sleep: InterruptibleSleep | None = None,
        health: HealthRegistry | None = None,
        meter: Callable[[ModelProvider], ModelProvider] = lambda provider: provider,
    ) -> None:
        """`meter` wraps each provider in the layer that lasts for the whole run. Raises `ValueError` without a
        provider."""
        if not providers:
            raise ValueError("A run needs at least one model.")
        if strategy not in get_args(Strategy):
            raise ValueError(f"The strategy is one of {', '.join(get_args(Strategy))}, not {strategy!r}.")
        self.providers = providers
        self.metered = [meter(provider) for provider in providers]
        self.journal = journal
        self.retry = retry
        self.deadline = deadline
        self.limits = limits
        self.strategy: Strategy = strategy
        self.sleep = sleep or InterruptibleSleep()
        self.health = health or HEALTH
        self._last: ReplyContext | None = None

    def model_for(self, state: AgentState, turn: int, *, is_hurried: bool = False) -> FallbackModel:
        """The model that composes all others, for the reply of one turn. It marks `state` as waiting between
        attempts. For a turn that it was called for before, the attempts are counted on. `is_hurried`: a person has cut
        short the wait for the first one."""
        last, self._last = self._last, None
        context = ReplyContext(
            state=state,
            turn=turn,
            journal=self.journal,
            retry=self.retry,
            deadline=self.deadline,
            limits=self.limits,
            sleep=self.sleep,
            has_lanes=len(self.providers) > 1,
            is_hurried=is_hurried,
            attempts_before=last.attempts_before + last.most_attempts if last is not None and last.turn == turn else 0,
        )
        self._last = context
        lanes = [self._guarded(index, context) for index in range(len(self.providers))]
        if self.strategy == "fallback" or len(lanes) == 1:
            return FallbackModel([RetryingModel(lane, context) for lane in lanes], context)
        race = RacingModel(lanes, context, strategy=self.strategy, hedges=self.health.hedges)
        return FallbackModel([RetryingModel(race, context)], context)

    def _guarded(self, index: int, context: ReplyContext) -> GuardedModel:
        provider = self.providers[index]
        timed = TimedModel(self.metered[index], context)
        return GuardedModel(timed, context, health=self.health.of(provider), provider=provider, lane=index + 1)
