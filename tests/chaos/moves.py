"""I8: statuses of runs and states of calls move along their graphs only, and final ones stay."""

from collections import Counter
from collections.abc import Iterator

from tests.chaos.evidence import Evidence, Moved

HOSTED = frozenset({"thinking", "executing", "waiting:retry"})
PARKED = frozenset({"waiting:approval", "waiting:decision", "waiting:resume", "waiting:child"})

# A batch of the writer may carry a run over several statuses at once, so a hosted run may go from any to any.
RUN_GRAPH: dict[str, frozenset[str]] = {
    "idle": frozenset({"thinking", "cancelled", "waiting:resume"}),
    **dict.fromkeys(HOSTED, HOSTED | PARKED | {"idle", "completed", "failed", "cancelled"}),
    **dict.fromkeys(PARKED, frozenset({"idle", "thinking", "cancelled", "failed"}) | PARKED),
}
CALL_GRAPH: dict[str, frozenset[str]] = {
    "proposed": frozenset(
        {"awaiting_approval", "approved", "started", "succeeded", "failed", "denied", "awaiting_child"}
    ),
    "awaiting_approval": frozenset({"approved", "denied", "failed"}),
    "approved": frozenset({"started", "succeeded", "failed", "awaiting_child"}),
    "started": frozenset({"succeeded", "failed", "unknown", "awaiting_child"}),
    # Its child run has ended, and it runs again for the answer; its run was resumed, and it looks; or that was stopped.
    "awaiting_child": frozenset({"proposed", "approved", "started", "failed"}),
    # A person has settled it, or let it run again.
    "unknown": frozenset({"succeeded", "failed", "approved", "proposed", "started"}),
}

CLOCKS_DIFFER_S = 0.005
"""SQLite has times in milliseconds."""


def faults_in_moves(seen: Evidence) -> Iterator[str]:
    """Moves outside the graphs, and calls that start in a cancelled run."""
    resumed = Counter(seen.resumed)
    unsafe = {call.id for call in seen.rows.calls if call.effect == "unsafe"}
    for move in seen.rows.moves:
        match move.kind:
            case "run":
                yield from _faults_in_run(move, seen, resumed)
            case "call" if not _may_move(move, unsafe):
                yield f"I8: call {move.call} went from {move.was} to {move.now}"
            case "late":
                yield f"I8: run {move.run} was {move.was} and got step {move.now}"
    yield from _starts_after_the_end(seen)


def _may_move(move: Moved, unsafe: set[str]) -> bool:
    # The start of a call that may be repeated can be stored together with its end.
    at_once = (move.was, move.now) == ("proposed", "unknown") and move.call not in unsafe
    return at_once or move.now in CALL_GRAPH.get(move.was, ())


def _faults_in_run(move: Moved, seen: Evidence, resumed: "Counter[str]") -> Iterator[str]:
    if move.epoch_now not in (move.epoch_was, move.epoch_was + 1):
        yield f"I8: run {move.run} went from epoch {move.epoch_was} to {move.epoch_now}"
    if move.was == move.now:
        return
    if move.was == "failed" and move.now == "idle" and resumed[move.run] > 0:
        resumed[move.run] -= 1
    elif move.now not in RUN_GRAPH.get(move.was, ()):
        yield f"I8: run {move.run} went from {move.was} to {move.now}"
    elif move.now in HOSTED and move.was not in HOSTED and move.epoch_now == move.epoch_was:
        yield f"I8: run {move.run} went from {move.was} to {move.now} without a claim"


def _starts_after_the_end(seen: Evidence) -> Iterator[str]:
    cancelled_at = {move.run: move.at for move in seen.rows.moves if move.kind == "run" and move.now == "cancelled"}
    run_of = {call.id: call.run for call in seen.rows.calls}
    for line in seen.witnessed:
        run = run_of.get(line.call, "")
        if line.event != "start" or run not in cancelled_at or run in seen.forced:
            continue
        if (late_s := line.at - cancelled_at[run]) > CLOCKS_DIFFER_S:
            yield f"I8: call {line.call} was started {late_s:.3f} s after its run was cancelled"


def wakes(seen: Evidence) -> "Counter[str]":
    """How often each run was woken from waiting for a person."""
    return Counter(
        move.run for move in seen.rows.moves if move.kind == "run" and move.was in PARKED and move.now == "idle"
    )
