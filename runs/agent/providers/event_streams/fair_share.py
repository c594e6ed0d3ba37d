"""Cooperative scheduling of replies that arrive faster than they can be read: a short slice, then the event loop.

The data of a fast server is always available, so reading it never waits, and the event loop would run nothing else
until a whole buffer (hundreds of events) is processed.
"""

import asyncio
import time
from collections.abc import Callable

SLICE_S = 0.004
"""The work on one reply before it yields to the event loop."""
BREATH_S = 0.008
"""The sleep after a slice while a page request waits, times the number of such replies, so that all of them together
leave most of the process to the page."""
FORGOTTEN_AFTER_S = 0.5

_is_awaited: Callable[[], bool] = lambda: False  # noqa: E731 - replaced as a whole
_last_slices: dict[int, float] = {}
"""The last time at which each reply used up a slice, by the id of its `Share`."""


def give_way_when(is_awaited: Callable[[], bool]) -> None:
    """Set the function that tells whether a page request waits. It is called often, on the event loop."""
    global _is_awaited  # noqa: PLW0603 - one process, one answer
    _is_awaited = is_awaited


class Share:
    """The time slice of one reply. Waiting for the server does not count."""

    def __init__(self) -> None:
        self._used_s = 0.0
        self._began = 0.0

    def begin(self) -> None:
        """Start the clock for one event."""
        self._began = time.perf_counter()

    async def end(self) -> None:
        """Stop the clock; once the slice is used up, yield to the event loop or sleep."""
        now = time.perf_counter()
        self._used_s += now - self._began
        if self._used_s < SLICE_S:
            return
        self._used_s = 0.0
        _last_slices[id(self)] = now
        await asyncio.sleep(BREATH_S * _readers(now) if _is_awaited() else 0)

    def close(self) -> None:
        """Forget the reply at its end."""
        _last_slices.pop(id(self), None)


def _readers(now: float) -> int:
    return sum(now - at < FORGOTTEN_AFTER_S for at in _last_slices.values())
