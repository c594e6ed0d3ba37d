"""The health of models and providers, shared by all runs of a process."""

import time
import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from runs.agent.concurrency.circuit_breaker import CircuitBreaker
from runs.agent.concurrency.race import HEDGE_AFTER_S
from runs.agent.messages import ModelProvider
from runs.agent.model_calls.cooldown import Cooldown
from runs.agent.model_calls.token_bucket import TokenBucket, hedge_bucket, retry_bucket

_REMEMBERED = 200
_ENOUGH = 20


class LatencyTracker:
    """The last 200 first-token times of one model."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=_REMEMBERED)

    def note(self, first_token_s: float) -> None:
        """Add a first-token time."""
        self._times.append(first_token_s)

    def slow_after_s(self) -> float:
        """The 95th percentile in seconds; `HEDGE_AFTER_S` until 20 replies are known."""
        if len(self._times) < _ENOUGH:
            return HEDGE_AFTER_S
        in_order = sorted(self._times)
        return in_order[int(0.95 * (len(in_order) - 1))]


@dataclass(slots=True)
class ProviderHealth:
    """The health of one provider and key: its cooldown and its retry budget."""

    cooldown: Cooldown
    retries: TokenBucket


@dataclass(slots=True)
class ModelHealth:
    """The health of one model: its circuit breaker and latency, and the health of its provider."""

    provider: ProviderHealth
    breaker: CircuitBreaker
    latency: LatencyTracker = field(default_factory=LatencyTracker)


class HealthRegistry:
    """The health of all models, in memory. Used by one thread only.

    Models with the same `account` (a text that identifies provider and key, never the key itself) share the health of
    their provider; a model without one has its own, for the lifetime of the object.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._providers: dict[str, ProviderHealth] = {}
        self._models: dict[tuple[str, str], ModelHealth] = {}
        self._of_objects: dict[int, tuple[weakref.ref[ModelProvider], ModelHealth]] = {}
        self.hedges = hedge_bucket(clock)

    def of(self, provider: ModelProvider) -> ModelHealth:
        """The health of the provider's model."""
        account = getattr(provider, "account", None)
        if account is None:
            return self._of_object(provider)
        key = (account, provider.model)
        if key not in self._models:
            if account not in self._providers:
                self._providers[account] = self._new_provider()
            self._models[key] = ModelHealth(self._providers[account], CircuitBreaker(self._clock))
        return self._models[key]

    def _of_object(self, provider: ModelProvider) -> ModelHealth:
        number = id(provider)
        if number not in self._of_objects:
            # The id can be reused as soon as the object is gone.
            known = weakref.ref(provider, lambda _: self._of_objects.pop(number, None))
            self._of_objects[number] = known, ModelHealth(self._new_provider(), CircuitBreaker(self._clock))
        return self._of_objects[number][1]

    def _new_provider(self) -> ProviderHealth:
        return ProviderHealth(Cooldown(self._clock), retry_bucket(self._clock))


HEALTH = HealthRegistry()
"""The registry of this process: the default of `run_agent` and of the engine's host."""
