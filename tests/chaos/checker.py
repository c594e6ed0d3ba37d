"""What must be true of the rows after any crash: a pure function of what was seen, and never of the site's own code."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

FINAL = frozenset({"completed", "failed", "cancelled"})

Place = tuple[str, int, int]
"""What a call was told: its run's label, turn and place in the turn."""


@dataclass(frozen=True, slots=True)
class RunSeen:
    """A row of a run."""

    id: str
    status: str
    owner: str | None
    last_sequence: int


@dataclass(frozen=True, slots=True)
class StepSeen:
    """A row of a step."""

    run: str
    sequence: int
    epoch: int
    kind: str
    content: str
    call_id: str | None = None


@dataclass(frozen=True, slots=True)
class CallSeen:
    """A row of a tool call. `place` is what its arguments say."""

    id: str
    run: str
    turn: int
    index: int
    state: str
    place: Place


@dataclass(frozen=True, slots=True)
class Rows:
    """The whole database at one moment."""

    runs: Sequence[RunSeen]
    steps: Sequence[StepSeen]
    calls: Sequence[CallSeen]
    integrity: str = "ok"


@dataclass(frozen=True, slots=True)
class Started:
    """The witness saw a call start, in a process."""

    place: Place
    pid: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything there is to judge by."""

    launched: Sequence[str]
    """Ids of the runs whose launch was answered."""
    killed: int
    """The process that was killed."""
    before: Rows
    """As the killed process left it."""
    after: Rows
    starts: Sequence[Started] = field(default=())


def faults_in(seen: Evidence) -> list[str]:
    """Every broken promise, in words. None, if all is well."""
    return [
        *_lost_runs(seen),
        *_unfinished_runs(seen.after),
        *_misnumbered_steps(seen.after),
        *_lost_steps(seen),
        *_doubled_calls(seen.after),
        *_repeated_calls(seen),
        *([] if seen.after.integrity == "ok" else [f"integrity: {seen.after.integrity}"]),
    ]


def _lost_runs(seen: Evidence) -> Iterator[str]:
    rows = Counter(run.id for run in seen.after.runs)
    for run_id, times in Counter(seen.launched).items():
        if times != 1 or rows[run_id] != 1:
            yield f"launch: run {run_id} was answered {times} times and has {rows[run_id]} rows"


def _unfinished_runs(rows: Rows) -> Iterator[str]:
    for run in rows.runs:
        if run.status not in FINAL or run.owner is not None:
            yield f"end: run {run.id} is {run.status}, owner {run.owner}"


def _misnumbered_steps(rows: Rows) -> Iterator[str]:
    steps = _by_run(rows.steps)
    for run in rows.runs:
        of_run = sorted(steps[run.id], key=lambda step: step.sequence)
        if [step.sequence for step in of_run] != list(range(1, run.last_sequence + 1)):
            yield f"sequence: run {run.id} has {[step.sequence for step in of_run]}, should be 1..{run.last_sequence}"
        epochs = [step.epoch for step in of_run]
        if epochs != sorted(epochs):
            yield f"epoch: run {run.id} has {epochs}"


def _lost_steps(seen: Evidence) -> Iterator[str]:
    """A recorded step is there for ever, and as it was."""
    kept = set(seen.after.steps)
    for step in seen.before.steps:
        if step not in kept:
            yield f"step: {step} was recorded before the crash and is gone or changed"


def _doubled_calls(rows: Rows) -> Iterator[str]:
    for place, times in Counter((call.run, call.turn, call.index) for call in rows.calls).items():
        if times > 1:
            yield f"call: {place} has {times} rows"
    proposals = Counter(step.call_id for step in rows.steps if step.kind == "tool_call")
    results = Counter(step.call_id for step in rows.steps if step.kind == "tool_result")
    for call in rows.calls:
        if (proposals[call.id], results[call.id]) != (1, 1):
            yield f"result: call {call.id} ({call.state}) has {proposals[call.id]} calls and {results[call.id]} results"


def _repeated_calls(seen: Evidence) -> Iterator[str]:
    """A call whose result was recorded before the crash is not started after it; no process starts one call twice."""
    recorded = {step.call_id for step in seen.before.steps if step.kind == "tool_result"}
    settled = {call.place for call in seen.before.calls if call.id in recorded}
    for started, times in Counter(seen.starts).items():
        if times > 1:
            yield f"repeated: process {started.pid} started {started.place} {times} times"
        if started.pid != seen.killed and started.place in settled:
            yield f"repeated: {started.place} was started again after its result was recorded"


def _by_run(steps: Sequence[StepSeen]) -> dict[str, list[StepSeen]]:
    by_run: dict[str, list[StepSeen]] = defaultdict(list)
    for step in steps:
        by_run[step.run].append(step)
    return by_run
