"""A provider that asks to be left alone for a while, and everybody who heard of it."""

import math
import time
from collections.abc import Callable

LONGEST_S = 300.0
"""A provider's request holds for all runs at most this long: it may have been a mistake, and somebody may have paid."""


_NOTHING_S = 0.05
"""Less than this is not worth telling anybody, and about what an event loop's clock may be early by."""


class Cooldown:
    """Until when one provider is not to be asked with one key."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until = -math.inf

    def note(self, wait_s: float | None) -> None:
        """The provider asked for this long; an earlier request for longer still holds."""
        wait_s = sane_wait_s(wait_s)
        if wait_s is not None:
            self._until = max(self._until, self._clock() + min(wait_s, LONGEST_S))

    def left_s(self) -> float:
        """Seconds until it may be asked again; 0 if it may be asked now."""
        left_s = self._until - self._clock()
        return left_s if left_s > _NOTHING_S else 0.0


def sane_wait_s(wait_s: float | None) -> float | None:
    """The wait if it is a number of seconds that can be waited for or refused; None for nonsense."""
    if wait_s is None or math.isnan(wait_s) or wait_s < 0:
        return None
    return wait_s
