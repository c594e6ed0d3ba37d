"""A circuit breaker: no requests to a model or service that keeps failing, but a probe now and then."""

import random
import time
from collections import deque
from collections.abc import Callable
from typing import Literal

CallOutcome = Literal["succeeded", "failed", "not_counted"]

WINDOW_S = 30.0
AT_LEAST_CALLS = 20
FAILED_SHARE = 0.5
OPEN_S = 15.0
"""How long the breaker stays open; up to a third longer, so that several processes do not probe together."""


class CircuitBreaker:
    """The circuit breaker of one model and key, or of one service, in this process.

    It opens when at least half of at least `at_least_calls` within `window_s` failed. After `open_s`, or up to a third
    more, one call is let through as a probe: its success closes the breaker, its failure opens it again.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        *,
        window_s: float = WINDOW_S,
        at_least_calls: int = AT_LEAST_CALLS,
        open_s: float = OPEN_S,
    ) -> None:
        self._clock = clock
        self._window_s = window_s
        self._at_least_calls = at_least_calls
        self._open_s = open_s
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
            return self._open_s / 3  # A probe is in flight: its outcome decides.
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
        while self._ended[0][0] <= now - self._window_s:
            self._failures -= self._ended.popleft()[1]
        if len(self._ended) >= self._at_least_calls and self._failures >= FAILED_SHARE * len(self._ended):
            self._open()

    def _open(self) -> None:
        self._open_until = self._clock() + self._open_s * random.uniform(1, 4 / 3)  # noqa: S311 - jitter
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
