"""When a row of an outbox is tried again, and when an address has failed for too long."""

from datetime import timedelta
from random import Random
from typing import Final

TRIED_FOR: Final = timedelta(days=1)
"""How long a row is tried, from when it was written or last asked for."""
WAITS_S: Final = (5, 300, 1800, 7200, 18_000, 25_200, 25_200)
"""After the first attempt, the second and so on, in seconds: the schedule of most senders, for a day."""
JITTER: Final = 0.1
"""The share of a wait by which it is longer at most, so that the retries of an outage do not come at once."""
MOST_ASKED_S: Final = 6 * 3600
"""A receiver that asks for a longer wait (`Retry-After`) gets this one."""
FAILING_FOR: Final = timedelta(days=5)
"""An address none of whose attempts has succeeded for this long is disabled when a row is given up."""


def wait_after(attempts: int, asked_s: float | None, chance: Random) -> float | None:
    """Seconds to wait after this many failed attempts; None if that was the last. `asked_s` is what the receiver asked
    for, which may only make it longer."""
    if attempts > len(WAITS_S):
        return None
    planned = WAITS_S[attempts - 1] * (1 + JITTER * chance.random())
    return max(planned, min(asked_s or 0.0, MOST_ASKED_S))
