"""Whether, and after which wait, a failed model call is retried."""

import random
from collections.abc import Callable

from runs.agent.concurrency.retry import RESTART_FACTOR, RetryPolicy
from runs.agent.errors import model_sentences as sentences
from runs.agent.errors.model_exceptions import ModelFailure
from runs.agent.model_calls.cooldown import sane_wait_s


class Backoff:
    """The waits of one sequence of attempts. It remembers the last failure, counts the repeats, and notes in a failure
    why no attempt follows; it neither waits nor sends anything."""

    def __init__(self, policy: RetryPolicy, time_left: Callable[[], float]) -> None:
        """`time_left` returns the seconds left of the run."""
        self._policy = policy
        self._time_left = time_left
        self._last: ModelFailure | None = None
        self.repeats = 0
        """Attempts with a changed request. They are made in addition to those of the policy."""

    def next_wait_s(
        self, failure: ModelFailure, *, attempt: int, refusal: Callable[[], str] = lambda: ""
    ) -> float | None:
        """The seconds until the next attempt, after `attempt` (from 1, repeats included) ended with `failure`; None for
        no further one.

        `failure.no_more_because` is then the reason, unless the attempts are used up. `refusal` returns a reason
        against the attempt, or an empty text; it is called last, because it counts the attempt.
        """
        before, self._last = self._last, failure
        if failure.again:
            self.repeats += 1
            return 0.0  # the next request differs, so no wait is needed
        of_policy = attempt - self.repeats
        if of_policy >= self._policy.max_attempts:
            return None
        wait_s = self._wait_s(failure, of_policy)
        failure.no_more_because = self._why_no_more(failure, before, wait_s) or refusal()
        return None if failure.no_more_because else wait_s

    def _wait_s(self, failure: ModelFailure, attempt: int) -> float:
        # Up to a tenth more than the Retry-After, so that not all runs retry at once.
        asked_s = _asked_s(failure)
        jitter_s = random.uniform(0, self._policy.longest_wait_s(attempt))  # noqa: S311 - jitter
        wait_s = max(jitter_s, asked_s * random.uniform(1, 1.1))  # noqa: S311 - jitter
        if not _is_away(failure):
            return wait_s
        # At most half of the time left, so that time remains for the attempt.
        remaining = min(self._policy.max_attempts - 1 - attempt, 100)
        restart_s = self._policy.base_s * RESTART_FACTOR / 5.0**remaining
        return max(wait_s, min(restart_s, self._policy.cap_s, self._time_left() / 2))

    def _why_no_more(self, failure: ModelFailure, before: ModelFailure | None, wait_s: float) -> str:
        asked_s, most_s = _asked_s(failure), self._policy.max_retry_after_s
        if asked_s > most_s:
            return sentences.ASKS_TOO_LONG.made(asked_s=f"{asked_s:.3g}", most_s=f"{most_s:g}")
        if wait_s >= self._time_left():
            return sentences.AFTER_THE_END.made(wait_s=f"{wait_s:.3g}")
        if before is not None and _is_deterministic(failure) and _fingerprint(failure) == _fingerprint(before):
            return sentences.SAME_TWICE.made()
        return ""


def _is_away(failure: ModelFailure) -> bool:
    """True if the server cannot be reached or is still loading, as during a restart."""
    return failure.kind == "network" or (failure.status == 503 and "loading" in str(failure).lower())


def _asked_s(failure: ModelFailure) -> float:
    return sane_wait_s(failure.retry_after_s) or 0.0


_PASSING = frozenset({None, 408, 425, 429, 500, 502, 503, 504, 529})
"""Statuses of temporary failures: the same message twice does not mean that a third attempt fails."""


def _is_deterministic(failure: ModelFailure) -> bool:
    return failure.status not in _PASSING


def _fingerprint(failure: ModelFailure) -> tuple[object, ...]:
    return failure.kind, failure.status, str(failure)
