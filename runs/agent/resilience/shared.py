"""What all runs of a process know together about the providers they ask."""

import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field

from runs.agent.messages import ModelProvider
from runs.agent.resilience.allowance import Allowance, extra_for_hedges, extra_for_retries
from runs.agent.resilience.breaker import Breaker
from runs.agent.resilience.cooldown import Cooldown
from runs.agent.resilience.pace import Pace


@dataclass(slots=True)
class Account:
    """What is known of one provider with one key."""

    cooldown: Cooldown
    retries: Allowance


@dataclass(slots=True)
class Standing:
    """What is known of one model: its own health, and its provider's wishes."""

    account: Account
    breaker: Breaker
    pace: Pace = field(default_factory=Pace)


class Shared:
    """The standings of all providers. Belongs to one thread; nothing in it is stored.

    Providers with the same `account` (a text for who is asked with which key, never the key itself) share one account;
    one without is an account of its own, for as long as the object lives.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._accounts: dict[str, Account] = {}
        self._standings: dict[tuple[str, str], Standing] = {}
        self._of_objects: dict[int, tuple[weakref.ref[ModelProvider], Standing]] = {}
        self.hedges = extra_for_hedges(clock)

    def of(self, provider: ModelProvider) -> Standing:
        """The standing of the provider's model."""
        provider = getattr(provider, "unmetered", provider)
        account = getattr(provider, "account", None)
        if account is None:
            return self._of_object(provider)
        key = (account, provider.model)
        if key not in self._standings:
            if account not in self._accounts:
                self._accounts[account] = self._new_account()
            self._standings[key] = Standing(self._accounts[account], Breaker(self._clock))
        return self._standings[key]

    def _of_object(self, provider: ModelProvider) -> Standing:
        number = id(provider)
        if number not in self._of_objects:
            # The id is somebody else's as soon as the object is gone.
            known = weakref.ref(provider, lambda _: self._of_objects.pop(number, None))
            self._of_objects[number] = known, Standing(self._new_account(), Breaker(self._clock))
        return self._of_objects[number][1]

    def _new_account(self) -> Account:
        return Account(Cooldown(self._clock), extra_for_retries(self._clock))


SHARED = Shared()
"""Of this process: what `run_agent` and the engine's host use unless they are given another."""
