"""The checker's verdict, with the history of each fault, because the servers are gone when it is read."""

import re
from collections.abc import Iterator

from tests.chaos.checker import faults_in
from tests.chaos.evidence import Evidence

MOST_TOLD = 3


def assert_sound(seen: Evidence) -> None:
    """Raise `AssertionError` with every fault, and with the history of the first few."""
    faults = faults_in(seen)
    stories = [line for fault in faults[:MOST_TOLD] for line in ["", f"The story of: {fault}", *_story(fault, seen)]]
    assert not faults, "\n".join([f"{len(faults)} faults", *faults, *stories])


def _story(fault: str, seen: Evidence) -> list[str]:
    """All evidence about the runs and calls in a fault, ordered by time."""
    named = set(re.findall(r"\b[0-9a-f]{32}\b", fault))
    runs = named | {call.run for call in seen.rows.calls if call.id in named}
    return [line for _, line in sorted(_told(runs, named, seen))]


def _told(runs: set[str], named: set[str], seen: Evidence) -> Iterator[tuple[float, str]]:
    calls = {call.id for call in seen.rows.calls if call.run in runs}
    for step in seen.rows.steps:
        if step.run in runs:
            what = f"step {step.sequence} of epoch {step.epoch}: {step.kind} {step.call or ''} {step.content[:60]!r}"
            yield step.ended_at, f"{step.ended_at:.3f} {what}"
    for move in seen.rows.moves:
        if move.run in runs:
            about = f"{move.kind} {move.call or move.run}: {move.was} -> {move.now}"
            yield move.at, f"{move.at:.3f} {about}, epoch {move.epoch_was} -> {move.epoch_now}"
    for line in seen.witnessed:
        if line.call in calls | named:
            yield line.at, f"{line.at:.3f} witness: {line.event} {line.call} ({line.place}) in process {line.pid}"
