"""The cooldown of a provider: its Retry-After, respected by all runs of this process."""

import math
import time
from collections.abc import Callable

LONGEST_S = 300.0
"""Upper limit of a cooldown for other runs: the Retry-After may be wrong, or credit may have been added meanwhile."""


_NOTHING_S = 0.05
"""A shorter remainder counts as none: an event loop's timer may fire about this much early."""


class Cooldown:
    """The cooldown of one provider and key."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until = -math.inf

    def note(self, wait_s: float | None) -> None:
        """Start or extend the cooldown by a Retry-After; a longer one that still runs is kept."""
        wait_s = sane_wait_s(wait_s)
        if wait_s is not None:
            self._until = max(self._until, self._clock() + min(wait_s, LONGEST_S))

    def left_s(self) -> float:
        """Seconds until the next request; 0 if one may be sent now."""
        left_s = self._until - self._clock()
        return left_s if left_s > _NOTHING_S else 0.0


def sane_wait_s(wait_s: float | None) -> float | None:
    """The wait in seconds; None if it is negative or not a number."""
    if wait_s is None or math.isnan(wait_s) or wait_s < 0:
        return None
    return wait_s
