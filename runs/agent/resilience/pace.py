"""How soon a model usually begins to speak."""

from collections import deque

from runs.agent.race import HEDGE_AFTER_S

_REMEMBERED = 200
_ENOUGH = 20


class Pace:
    """The recent first-token times of one model."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=_REMEMBERED)

    def note(self, first_token_s: float) -> None:
        """A reply began after this long."""
        self._times.append(first_token_s)

    def slow_after_s(self) -> float:
        """The 95th percentile; 8 s until twenty replies are known."""
        if len(self._times) < _ENOUGH:
            return HEDGE_AFTER_S
        in_order = sorted(self._times)
        return in_order[int(0.95 * (len(in_order) - 1))]
