"""The time limit of a run."""

import time

from runs.agent.errors.exceptions import LimitReached


class Deadline:
    """A countdown of `limit_s` seconds of hosted time, of which earlier claims used `used_s`."""

    def __init__(self, limit_s: float, used_s: float = 0.0) -> None:
        self.limit_s = limit_s
        self._ends_at = time.monotonic() + limit_s - used_s

    def left_s(self) -> float:
        """Seconds left; 0 or less once the limit is reached."""
        return self._ends_at - time.monotonic()

    def at_most(self, wanted_s: float | None) -> float:
        """The smaller of `wanted_s` (None: no wish) and the time left, at least 0."""
        left_s = self.left_s()
        return max(0.0, left_s if wanted_s is None else min(wanted_s, left_s))

    def check(self) -> None:
        """Raise `LimitReached` once the time is used up."""
        if self.left_s() <= 0:
            raise self.out_of_time()

    def out_of_time(self) -> LimitReached:
        """The `LimitReached` for `max_duration_s`, to be raised by the caller."""
        return LimitReached("max_duration_s", used=self.limit_s - self.left_s(), limit=self.limit_s, unit="seconds")
