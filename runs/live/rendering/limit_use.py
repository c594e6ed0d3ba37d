"""How far a run is on the way to the nearest of its limits."""

import math
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from runs.models import Run

WIDTH = 1000
"""Width of the line that shows it."""
NEAR = 800
"""From here on the line warns: 80 %."""


@dataclass(frozen=True, slots=True)
class LimitUse:
    """The use of the nearest limit, of `WIDTH`, and of the time limit, which grows by the clock."""

    used: int
    started_ms: int | None = None
    """Start of the time, in milliseconds since the epoch; None if no clock runs."""
    duration_ms: int = 0

    @property
    def is_near(self) -> bool:
        """True from 80 % on."""
        return self.used >= NEAR


def limit_use(run: Run) -> LimitUse | None:
    """The use of the run's nearest limit; None for a finished run, or one without limits."""
    if run.is_finished:
        return None
    most_s = _number(run.config.get("max_duration_s"))
    shares = [
        _share(run.tokens_used, run.config.get("max_tokens")),
        _share(run.cost, run.config.get("max_cost_usd")),
        _share(run.active_ms / 1000, most_s),
    ]
    # The time hosted before this claim is known, that of this claim only if there was none before.
    runs_by_clock = most_s and run.started_at is not None and run.owner is not None and not run.active_ms
    started_ms = round(run.started_at.timestamp() * 1000) if runs_by_clock and run.started_at else None
    return LimitUse(max(shares), started_ms, round(most_s * 1000) if most_s else 0)


def _share(used: Any, most: Any) -> int:
    used, most = _number(used), _number(most)
    return min(round(WIDTH * used / most), WIDTH) if used and most else 0


def _number(value: Any) -> float:
    try:
        number = float(Decimal(str(value)))
    except (InvalidOperation, OverflowError):
        return 0.0
    return number if math.isfinite(number) else 0.0
