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

T = TypeVar("T")
P = ParamSpec("P")

MAX_BACKOFF_S = 30

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and how soon a model call is tried again.

    The wait is random between 0 and `base_s * 2**(attempt - 1)` ("full jitter"), so that many runs that failed together
    do not come back together.
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
) -> T:
    """`await call(attempt_number)` until one succeeds. Cancelling it ends the wait too.

    Raises the `ModelFailure` itself if trying again is pointless, and `ModelUnavailable` after the last attempt, or
    when the next would come later than `time_left()` or than the provider may ask. Other exceptions pass at once.
    """
    ladder = _Ladder(policy, on_failed_attempt, time_left)
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

    retrying = AsyncRetrying(
        retry=retry_if_exception(_is_model_failure_worth_retrying),
        wait=ladder.wait,
        stop=ladder.stop,
        before_sleep=ladder.before_sleep,
        retry_error_callback=ladder.give_up,
        sleep=sleep,
    )
    return await retrying(next_attempt)


def _is_model_failure_worth_retrying(error: BaseException) -> bool:
    return isinstance(error, ModelFailure) and is_worth_retrying(error)


class _Ladder:
    """What tenacity asks between two attempts, answered from our policy."""

    def __init__(self, policy: RetryPolicy, told: OnFailedAttempt, time_left: Callable[[], float]) -> None:
        self.policy = policy
        self.told = told
        self.time_left = time_left
        self.jitter = wait_random_exponential(multiplier=policy.base_s, max=policy.cap_s)

    async def tell(self, failure: ModelFailure, *, attempt: int, wait_s: float | None) -> None:
        await self.told(failure, attempt=attempt, max_attempts=self.policy.max_attempts, wait_s=wait_s)

    def wait(self, state: RetryCallState) -> float:
        # A little more than the provider asked for, so that not everybody it asked comes back at once.
        asked_s = _failure_of(state).retry_after_s or 0.0
        return max(self.jitter(state), asked_s + wait_random(0, asked_s / 10)(state))

    def stop(self, state: RetryCallState) -> bool:
        # tenacity computes the wait first, then asks whether to stop.
        asked_s = _failure_of(state).retry_after_s or 0.0
        return (
            state.attempt_number >= self.policy.max_attempts
            or asked_s > self.policy.max_retry_after_s
            or state.upcoming_sleep >= self.time_left()
        )

    async def before_sleep(self, state: RetryCallState) -> None:
        await self.tell(_failure_of(state), attempt=state.attempt_number, wait_s=state.upcoming_sleep)

    async def give_up(self, state: RetryCallState) -> None:
        failure = _failure_of(state)
        await self.tell(failure, attempt=state.attempt_number, wait_s=None)
        raise ModelUnavailable(failure, attempts=state.attempt_number) from failure


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
