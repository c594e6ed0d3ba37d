"""A token bucket for extra requests: retries and hedges as a share of the regular calls."""

import time
from collections.abc import Callable


class TokenBucket:
    """A bucket of tokens: each regular call adds `share` of a token, each extra request takes one.

    So extra requests are limited to that share of all calls, plus a reserve: the bucket starts with `reserve` tokens
    and is refilled up to them over time, so that a single run can always retry a few times.
    """

    def __init__(
        self,
        *,
        share: float,
        reserve: float,
        refill_per_s: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.share = share
        self.reserve = reserve
        self.refill_per_s = refill_per_s
        self._clock = clock
        self._tokens = reserve
        self._at = clock()

    def note_call(self) -> None:
        """Count a regular call."""
        self._refill()
        # At most twice the reserve: hours of successful calls must not allow a burst of retries.
        self._tokens = max(self._tokens, min(self._tokens + self.share, 2 * self.reserve))

    def take(self) -> bool:
        """Take a token for an extra request. False if there is none."""
        self._refill()
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def _refill(self) -> None:
        now = self._clock()
        refilled = min(self.reserve, self._tokens + (now - self._at) * self.refill_per_s)
        self._tokens, self._at = max(self._tokens, refilled), now


def retry_bucket(clock: Callable[[], float] = time.monotonic) -> TokenBucket:
    """The retry budget of a provider: 10 % of its calls (the figure of Google's SRE book), plus ten, plus one in 2
    s."""
    return TokenBucket(share=0.1, reserve=10, refill_per_s=0.5, clock=clock)


def hedge_bucket(clock: Callable[[], float] = time.monotonic) -> TokenBucket:
    """The hedge budget of a process: 5 % of its calls, plus three, plus one in 200 s."""
    return TokenBucket(share=0.05, reserve=3, refill_per_s=0.005, clock=clock)
