"""The retry policy of model calls, and a retry decorator for any coroutine function."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, wait_random_exponential

from runs.agent.errors.retryability import is_worth_retrying

T = TypeVar("T")
P = ParamSpec("P")

MAX_BACKOFF_S = 30
RESTART_FACTOR = 20

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and after which waits a model call is retried.

    The wait is random between 0 and `base_s * 2**(attempt - 1)` ("full jitter"), so that runs that failed together
    do not retry together. While the server is down (no connection, or it reports that it is loading) the last wait is
    at least `base_s * RESTART_FACTOR`, and each one before it a fifth of the next: with the defaults 2 s and 10 s, so
    that a run survives the restart of a server.
    """

    max_attempts: int = 3
    """The first one included; 1 means no retry."""

    base_s: float = 0.5
    """Upper end of the first wait."""

    cap_s: float = 30
    """Upper end of every wait, unless the provider asks for a longer one."""

    max_retry_after_s: float = 60
    """A longer Retry-After ends the attempts instead of being waited for."""

    def longest_wait_s(self, attempt: int) -> float:
        """Upper end of the random wait after attempt number `attempt` (from 1)."""
        doublings = min(attempt - 1, 1000)  # 2.0**1024 is more than a float holds
        return min(self.cap_s, self.base_s * 2.0**doublings)

    def __post_init__(self) -> None:
        if self.max_attempts < 1:
            raise ValueError(f"max_attempts must be at least 1, not {self.max_attempts!r}.")
        for name in ("base_s", "cap_s", "max_retry_after_s"):
            if not getattr(self, name) >= 0:
                raise ValueError(f"{name} must not be negative, not {getattr(self, name)!r}.")


def async_retry(
    max_attempts: int = 3, backoff_base: float = 2.0, exceptions: tuple[type[Exception], ...] | None = None
) -> Callable[[Callable[P, Awaitable[T]]], Callable[P, Awaitable[T]]]:
    """Decorate a coroutine function to be retried, up to `max_attempts` attempts in all.

    Without `exceptions` only what `is_worth_retrying` accepts is retried. The waits are random between 0 and
    `backoff_base**(attempt - 1)` seconds, at most 30. The exception of the last attempt is raised as it is. A
    cancellation is never retried.
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
