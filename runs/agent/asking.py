"""Asking for one reply: provider after provider or several at once, every failed attempt recorded."""

from collections import Counter
from collections.abc import Sequence
from typing import get_args

from runs.agent.clock import RunClock
from runs.agent.errors import ModelFailure, ModelTimeout, ModelUnavailable, TimeLimitName
from runs.agent.journal import Journal
from runs.agent.limits import FIRST_TOKEN_TIMEOUT_S, IDLE_TIMEOUT_S, RunLimits
from runs.agent.messages import ModelProvider
from runs.agent.race import Strategy
from runs.agent.resilience.attempt import Asked, Attempt, MakeRequest
from runs.agent.resilience.ladder import Ladder
from runs.agent.resilience.listening import Patience
from runs.agent.resilience.shared import SHARED, Shared
from runs.agent.resilience.waits import Waits
from runs.agent.retry import RetryPolicy
from runs.agent.state import AgentState


class Asking:
    """How a run asks its models.

    `fallback`: in order of preference, each as often as the retry policy allows. `hedge` and `race`: together, one
    attempt each, and again in rounds as often as the policy allows.
    """

    def __init__(
        self,
        providers: Sequence[ModelProvider],
        *,
        journal: Journal,
        retry: RetryPolicy,
        clock: RunClock,
        limits: RunLimits,
        strategy: Strategy = "fallback",
        waits: Waits | None = None,
        shared: Shared | None = None,
    ) -> None:
        if not providers:
            raise ValueError("A run needs at least one model.")
        if strategy not in get_args(Strategy):
            raise ValueError(f"The strategy is one of {', '.join(get_args(Strategy))}, not {strategy!r}.")
        self.providers = providers
        self.journal = journal
        self.retry = retry
        self.clock = clock
        self.limits = limits
        self.strategy = strategy
        self.waits = waits or Waits()
        self.shared = shared or SHARED
        self._turn = 0
        self._tries: Counter[int] = Counter()
        self._hurried = False

    async def reply(self, state: AgentState, turn: int, request: MakeRequest) -> Asked:
        """The reply of the first provider that gives one.

        Raises the last provider's `ModelFailure` or `ModelUnavailable`, or `LimitReached` if the time is up.
        """
        if turn != self._turn:
            self._turn, self._tries = turn, Counter()
        everybody = list(range(1, len(self.providers) + 1))
        together = [[lane] for lane in everybody] if self.strategy == "fallback" else [everybody]
        for lanes in together:
            ladder = Ladder(self, state, turn, request, lanes)
            try:
                return await ladder.climb()
            except ModelFailure as failure:
                if self.clock.left_s() <= 0 or _is_end_of_time(failure):
                    raise self.clock.out_of_time() from failure
                if lanes is together[-1]:
                    raise
        raise AssertionError("The last provider replies or raises.")

    def attempt_at(self, lane: int, *, number: int) -> Attempt:
        """A new attempt at a provider, with a card of its own."""
        provider = self.providers[lane - 1]
        # Counted over the whole turn: a reply that is asked for again must not go on with an old card.
        self._tries[lane] += 1
        card = f"{self._turn}-{self._tries[lane]}-{lane}"
        return Attempt(provider, lane=lane, number=number, card=card, standing=self.shared.of(provider))

    def patience(self, provider: ModelProvider) -> Patience:
        """How long an attempt that begins now is listened to: as the run says, else as the model's server is set up."""
        server = getattr(provider, "capabilities", None)

        def limit(name: TimeLimitName) -> float | None:
            own: float | None = getattr(self.limits, name)
            return own if own is not None else getattr(server, name, None)

        whole_s = limit("model_timeout_s")
        total_s = self.clock.at_most(whole_s)
        return Patience(
            first_token_s=limit("first_token_timeout_s") or FIRST_TOKEN_TIMEOUT_S,
            idle_s=limit("idle_timeout_s") or IDLE_TIMEOUT_S,
            total_s=total_s,
            total_is="model_timeout_s" if total_s == whole_s else "max_duration_s",
        )

    async def sleep(self, seconds: float) -> None:
        """Wait, and remember whether somebody was in a hurry: then a provider's wish to be left alone is not heeded."""
        self._hurried = False
        self._hurried = not await self.waits.sleep(seconds)

    def was_hurried(self) -> bool:
        """Whether the last wait was cut short; asking forgets it."""
        hurried, self._hurried = self._hurried, False
        return hurried


def _is_end_of_time(failure: ModelFailure) -> bool:
    last = failure.last if isinstance(failure, ModelUnavailable) else failure
    return isinstance(last, ModelTimeout) and last.limit_name == "max_duration_s"
