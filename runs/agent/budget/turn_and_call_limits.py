"""Checks of the limits that count turns and tool calls."""

from runs.agent.errors.exceptions import LimitReached
from runs.agent.messages import ModelReply
from runs.agent.run_limits import RunLimits


def check_turns(limits: RunLimits, turn: int) -> None:
    """Raise `LimitReached` if `turn` (1 for the first) is beyond `max_turns`."""
    if turn > limits.max_turns:
        raise LimitReached("max_turns", used=turn - 1, limit=limits.max_turns, unit="turns")


def check_calls(limits: RunLimits, made: int, reply: ModelReply) -> None:
    """Raise `LimitReached` if the calls of `reply`, after those `made`, would be more than `max_calls`."""
    if limits.max_calls is None:
        return
    wanted = len(reply.calls)
    if made + wanted > limits.max_calls:
        raise LimitReached(
            "max_calls", used=made, limit=limits.max_calls, unit="tool calls", needed=wanted, is_asked_for=True
        )
