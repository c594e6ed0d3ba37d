"""A circuit breaker: no requests to a model that keeps failing, but a probe now and then."""

import random
import time
from collections import deque
from collections.abc import Callable
from typing import Literal

from runs.agent.errors.model_exceptions import ModelFailure, ModelTimeout

CallOutcome = Literal["succeeded", "failed", "not_counted"]

WINDOW_S = 30.0
AT_LEAST_CALLS = 20
FAILED_SHARE = 0.5
OPEN_S = 15.0
"""How long the breaker stays open; up to a third longer, so that several processes do not probe together."""

_SICK = frozenset({"timeout", "network", "overloaded", "server"})
"""The failures that count. A 429 does not: the server works and limits the rate. Neither does a refusal."""


class CircuitBreaker:
    """The circuit breaker of one model and key, in this process.

    It opens when at least half of at least 20 calls within 30 s failed. 15 to 20 s later one call is let through as a
    probe: its success closes the breaker, its failure opens it again.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ended: deque[tuple[float, bool]] = deque()
        self._failures = 0
        self._open_until: float | None = None
        self._probe: BreakerCall | None = None

    def begin(self) -> "BreakerCall | float":
        """An admitted call, whose `ended` the caller must call; or the seconds to wait if no call may be made."""
        call = BreakerCall(self)
        if self._open_until is None:
            return call
        wait_s = self._open_until - self._clock()
        if wait_s > 0:
            return wait_s
        if self._probe is not None:
            return OPEN_S / 3  # A probe is in flight: its outcome decides.
        self._probe = call
        return call

    def _note(self, call: "BreakerCall", outcome: CallOutcome) -> None:
        if call is self._probe:
            self._probe = None
            if outcome == "failed":
                self._open()
            elif outcome == "succeeded":
                self._open_until = None
        elif self._open_until is None and outcome != "not_counted":
            self._count(has_failed=outcome == "failed")

    def _count(self, *, has_failed: bool) -> None:
        now = self._clock()
        self._ended.append((now, has_failed))
        self._failures += has_failed
        while self._ended[0][0] <= now - WINDOW_S:
            self._failures -= self._ended.popleft()[1]
        if len(self._ended) >= AT_LEAST_CALLS and self._failures >= FAILED_SHARE * len(self._ended):
            self._open()

    def _open(self) -> None:
        self._open_until = self._clock() + OPEN_S + random.uniform(0, OPEN_S / 3)  # noqa: S311 - jitter, no secret
        self._ended.clear()
        self._failures = 0


class BreakerCall:
    """A call admitted by the breaker."""

    def __init__(self, breaker: CircuitBreaker) -> None:
        self._breaker: CircuitBreaker | None = breaker

    def ended(self, outcome: CallOutcome) -> None:
        """Report the outcome. Only the first report counts."""
        breaker, self._breaker = self._breaker, None
        if breaker is not None:
            breaker._note(self, outcome)  # noqa: SLF001 - the two are one thing


def outcome_of(failure: ModelFailure) -> CallOutcome:
    """How the breaker counts a failed attempt. The end of the run's own time is not counted."""
    if isinstance(failure, ModelTimeout) and failure.limit_name == "max_duration_s":
        return "not_counted"
    if failure.status == 429:
        return "succeeded"
    return "failed" if failure.kind in _SICK else "succeeded"
