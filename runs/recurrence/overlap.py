"""Overlap: what a tick does while an earlier run of its schedule is at work."""

from enum import StrEnum
from typing import Final

MOST_WAITING: Final = 100
"""Ticks of a schedule that may wait; further ones are skipped."""


class Overlap(StrEnum):
    """What a schedule's tick does then."""

    SKIP = "skip"
    QUEUE = "queue"
    STOP = "stop"


class Action(StrEnum):
    """What becomes of a tick."""

    LAUNCH = "launch"
    STOP_AND_LAUNCH = "stop_and_launch"
    WAIT = "wait"
    SKIP = "skip"
    QUEUE_FULL = "queue_full"


def action_of(overlap: Overlap, *, is_at_work: bool, waiting: int) -> Action:
    """What a tick does, with so many ticks before it that wait. `is_at_work`: a run of its schedule is unfinished."""
    match overlap:
        case Overlap.QUEUE if waiting >= MOST_WAITING:
            return Action.QUEUE_FULL
        case Overlap.QUEUE if is_at_work or waiting:
            return Action.WAIT
        case Overlap.SKIP if is_at_work:
            return Action.SKIP
        case Overlap.STOP if is_at_work:
            return Action.STOP_AND_LAUNCH
        case _:
            return Action.LAUNCH
