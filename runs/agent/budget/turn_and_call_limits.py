"""Checks of the limits that count turns and tool calls."""

from runs.agent.errors.exceptions import LimitReached
from runs.agent.run_limits import RunLimits


def check_turns(limits: RunLimits, turn: int) -> None:
    """Raise `LimitReached` if `turn` (1 for the first) is beyond `max_turns`."""
    if turn > limits.max_turns:
        raise LimitReached("max_turns", used=turn - 1, limit=limits.max_turns, unit="turns")


class CallLimit:
    """The count of a run's tool calls, those of scripts included, and its limit `max_calls`."""

    def __init__(self, limits: RunLimits, made: int = 0) -> None:
        """`made`: the calls of earlier claims."""
        self._most = limits.max_calls
        self._made = made

    def take(self, wanted: int) -> None:
        """Count `wanted` calls that are going to be made. Raises `LimitReached` if they would be too many."""
        if self._most is not None and self._made + wanted > self._most:
            raise LimitReached(
                "max_calls", used=self._made, limit=self._most, unit="tool calls", needed=wanted, is_asked_for=True
            )
        self._made += wanted
