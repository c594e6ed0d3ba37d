"""Trying again: only what is worth it, after a random wait, and never unseen."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from math import inf
from typing import ParamSpec, Protocol, TypeVar

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    wait_random,
    wait_random_exponential,
)

from runs.agent.classify import is_worth_retrying
from runs.agent.errors import ModelFailure, ModelUnavailable
from runs.agent.resilience.cooldown import sane_wait_s
from runs.agent.resilience.waits import RetriesStopped

T = TypeVar("T")
P = ParamSpec("P")

MAX_BACKOFF_S = 30
RESTART_FACTOR = 20

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and how soon a model call is tried again.

    The wait is random between 0 and `base_s * 2**(attempt - 1)` ("full jitter"), so that many runs that failed together
    do not come back together. While the server is away (no connection, or it says that it is loading) the last wait is
    at least `base_s * RESTART_FACTOR`, and each one before it a fifth of the next: with the defaults 2 s and 10 s, so
    that a run outlasts a server that is started again.
    """

    max_attempts: int = 3
    """The first one included; 1 means never again."""

    base_s: float = 0.5
    """Upper end of the first wait."""

    cap_s: float = 30
    """Upper end of every wait, unless the provider asks for a longer one."""

    max_retry_after_s: float = 60
    """A provider that asks for more than this is not waited for."""

    def __post_init__(self) -> None:
        if self.max_attempts < 1:
            raise ValueError(f"max_attempts must be at least 1, not {self.max_attempts!r}.")
        for name in ("base_s", "cap_s", "max_retry_after_s"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must not be negative, not {getattr(self, name)!r}.")


class OnFailedAttempt(Protocol):
    """Told of every failed attempt before the wait starts, so that it can be recorded and shown."""

    async def __call__(self, failure: ModelFailure, *, attempt: int, max_attempts: int, wait_s: float | None) -> None:
        """`wait_s` is None if this was the last one."""
        ...


async def attempts(
    policy: RetryPolicy,
    call: Callable[[int], Awaitable[T]],
    *,
    on_failed_attempt: OnFailedAttempt,
    time_left: Callable[[], float] = lambda: inf,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    refuse: Callable[[], str] = lambda: "",
) -> T:
    """`await call(attempt_number)` until one succeeds. Cancelling it ends the wait too.

    `refuse` is asked before each further attempt; a text is why there must be none. Raises the `ModelFailure` itself if
    trying again is pointless, and `ModelUnavailable` after the last attempt, when the next would come later than
    `time_left()` or than the provider may ask, when the same answer came twice that says nothing of "later", and when
    `sleep` raises `RetriesStopped`. Other exceptions pass at once.
    """
    ladder = _Ladder(policy, on_failed_attempt, time_left, refuse)
    number = 0

    async def next_attempt() -> T:
        nonlocal number
        number += 1
        try:
            return await call(number)
        except ModelFailure as failure:
            if not is_worth_retrying(failure):
                await ladder.tell(failure, attempt=number, wait_s=None)
            raise

    try:
        try:
            return await next_attempt()
        except ModelFailure as failure:
            # Only now: the library's bookkeeping costs several times what a reply without latency does.
            return await _go_on(ladder, failure, next_attempt, sleep)
    except RetriesStopped:
        raise ladder.unavailable(number, "A person stopped the retries.") from ladder.last


async def _go_on(
    ladder: "_Ladder",
    failure: ModelFailure,
    next_attempt: Callable[[], Awaitable[T]],
    sleep: Callable[[float], Awaitable[None]],
) -> T:
    """Further attempts after the first has ended with `failure`, which tenacity is told as an attempt of its own."""
    told: list[ModelFailure] = [failure]

    async def first_as_it_ended_then_further() -> T:
        if told:
            raise told.pop()
        return await next_attempt()

    retrying = AsyncRetrying(
        retry=retry_if_exception(_is_model_failure_worth_retrying),
        wait=ladder.wait,
        stop=ladder.stop,
        before_sleep=ladder.before_sleep,
        retry_error_callback=ladder.give_up,
        sleep=sleep,
    )
    return await retrying(first_as_it_ended_then_further)


def _is_model_failure_worth_retrying(error: BaseException) -> bool:
    return isinstance(error, ModelFailure) and is_worth_retrying(error)


class _Ladder:
    """What tenacity asks between two attempts, answered from our policy."""

    def __init__(
        self,
        policy: RetryPolicy,
        told: OnFailedAttempt,
        time_left: Callable[[], float],
        refuse: Callable[[], str],
    ) -> None:
        self.policy = policy
        self.told = told
        self.time_left = time_left
        self.refuse = refuse
        self.last: ModelFailure | None = None
        self.jitter = wait_random_exponential(multiplier=policy.base_s, max=policy.cap_s)

    async def tell(self, failure: ModelFailure, *, attempt: int, wait_s: float | None) -> None:
        await self.told(failure, attempt=attempt, max_attempts=self.policy.max_attempts, wait_s=wait_s)

    def wait(self, state: RetryCallState) -> float:
        # A little more than the provider asked for, so that not everybody it asked comes back at once.
        failure = _failure_of(state)
        if failure.again:
            return 0.0  # the next request differs: nothing has to pass first
        asked_s = _asked_s(failure)
        wait_s = max(self.jitter(state), asked_s + wait_random(0, asked_s / 10)(state))
        if not _is_away(failure):
            return wait_s
        # Not more than half of the time that is left: an attempt after the end would be none.
        restart_s: float = (
            self.policy.base_s * RESTART_FACTOR / 5.0 ** (self.policy.max_attempts - 1 - state.attempt_number)
        )
        return max(wait_s, min(restart_s, self.policy.cap_s, self.time_left() / 2))

    def stop(self, state: RetryCallState) -> bool:
        # tenacity computes the wait first, then asks whether to stop.
        failure, before = _failure_of(state), self.last
        self.last = failure
        if failure.again:
            return False
        if state.attempt_number >= self.policy.max_attempts:
            return True
        failure.no_more_because = self._why_no_more(failure, before, state.upcoming_sleep)
        return bool(failure.no_more_because)

    def _why_no_more(self, failure: ModelFailure, before: ModelFailure | None, wait_s: float) -> str:
        asked_s, most_s = _asked_s(failure), self.policy.max_retry_after_s
        if asked_s > most_s:
            return f"It asked to be left alone for {asked_s:.3g} s; a run waits at most {most_s:g} s."
        if wait_s >= self.time_left():
            return f"The next attempt would come in {wait_s:.3g} s, after the run's time is up."
        if before is not None and _is_deterministic(failure) and _fingerprint(failure) == _fingerprint(before):
            return "The very same failure came twice: it would come again."
        return self.refuse()  # Last, because to be allowed one costs something.

    async def before_sleep(self, state: RetryCallState) -> None:
        await self.tell(_failure_of(state), attempt=state.attempt_number, wait_s=state.upcoming_sleep)

    async def give_up(self, state: RetryCallState) -> None:
        failure = _failure_of(state)
        await self.tell(failure, attempt=state.attempt_number, wait_s=None)
        raise self.unavailable(state.attempt_number, failure.no_more_because) from failure

    def unavailable(self, attempts_made: int, why: str) -> ModelUnavailable:
        if self.last is None:
            raise TypeError("Nothing has failed yet.")
        return ModelUnavailable(self.last, attempts=attempts_made, why=why)


def _is_away(failure: ModelFailure) -> bool:
    """True if the server cannot be reached, or is not ready yet, as one that is started again."""
    return failure.kind == "network" or (failure.status == 503 and "loading" in str(failure).lower())


def _asked_s(failure: ModelFailure) -> float:
    return sane_wait_s(failure.retry_after_s) or 0.0


_PASSING = frozenset({None, 408, 425, 429, 500, 502, 503, 504, 529})
"""Statuses whose very same words may come again for another reason, and go away again."""


def _is_deterministic(failure: ModelFailure) -> bool:
    return failure.status not in _PASSING


def _fingerprint(failure: ModelFailure) -> tuple[object, ...]:
    return failure.kind, failure.status, str(failure)


def _failure_of(state: RetryCallState) -> ModelFailure:
    failure = state.outcome.exception() if state.outcome else None
    if not isinstance(failure, ModelFailure):  # the predicate lets nothing else come here
        raise TypeError(f"Not a model's failure: {failure!r}")
    return failure


def async_retry(
    max_attempts: int = 3, backoff_base: float = 2.0, exceptions: tuple[type[Exception], ...] | None = None
) -> Callable[[Callable[P, Awaitable[T]]], Callable[P, Awaitable[T]]]:
    """Decorate a coroutine function to be tried again, up to `max_attempts` times in all.

    Without `exceptions` only what `is_worth_retrying` accepts is retried. The waits are random between 0 and
    `backoff_base**(attempt - 1)` seconds, at most 30. The last exception itself is raised. Cancellation always passes.
    """
    if max_attempts < 1:
        raise ValueError(f"max_attempts must be at least 1, not {max_attempts!r}.")

    def is_retried(error: BaseException) -> bool:
        if exceptions is None:
            return is_worth_retrying(error)
        return isinstance(error, exceptions) and isinstance(error, Exception)

    def decorate(function: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
        retrying = AsyncRetrying(
            retry=retry_if_exception(is_retried),
            wait=wait_random_exponential(multiplier=1, exp_base=backoff_base, max=MAX_BACKOFF_S),
            stop=stop_after_attempt(max_attempts),
            before_sleep=_log_retry,
            reraise=True,
        )
        return retrying.wraps(function)

    return decorate


def _log_retry(state: RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    name = getattr(state.fn, "__qualname__", repr(state.fn))
    logger.warning(
        "Attempt %d of %s failed: %r. The next one in %.1f s.", state.attempt_number, name, error, state.upcoming_sleep
    )
