"""How much may be asked on top of what is asked anyway."""

import time
from collections.abc import Callable


class Allowance:
    """A bucket of tokens: each call adds a `share` of one, each extra request takes one.

    So extra requests are that share of all calls, and a few more: the bucket starts with `reserve` tokens, and time
    fills it up to that again, so that a single run can always try a few times.
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
        """A call was made that would have been made anyway."""
        self._refill()
        # Twice the reserve is the most: hours of good calls must not pay for a storm of retries.
        self._tokens = max(self._tokens, min(self._tokens + self.share, 2 * self.reserve))

    def take(self) -> bool:
        """True if one more request may be made; it is then counted."""
        self._refill()
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def _refill(self) -> None:
        now = self._clock()
        refilled = min(self.reserve, self._tokens + (now - self._at) * self.refill_per_s)
        self._tokens, self._at = max(self._tokens, refilled), now


def extra_for_retries(clock: Callable[[], float] = time.monotonic) -> Allowance:
    """A provider's: 10 % of its calls may be retries (the number of Google's SRE book), plus ten, plus one in 2 s."""
    return Allowance(share=0.1, reserve=10, refill_per_s=0.5, clock=clock)


def extra_for_hedges(clock: Callable[[], float] = time.monotonic) -> Allowance:
    """A process's: 5 % of its calls may be hedged, plus three."""
    return Allowance(share=0.05, reserve=3, refill_per_s=0.005, clock=clock)
