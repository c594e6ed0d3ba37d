"""The invariants I1 to I12 of a crash-safe system, as a pure function of the evidence.

Each fault is a line that begins with the invariant it breaks, or with `integrity`.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator

from tests.chaos.evidence import FINAL, CallSeen, Evidence, Leftovers, Rows, StepSeen
from tests.chaos.moves import faults_in_moves

SETTLED = frozenset({"succeeded", "failed", "denied", "unknown"})


def faults_in(seen: Evidence) -> list[str]:
    """Every broken invariant, in words; empty if all hold."""
    return [
        *_launches_are_runs(seen),
        *_runs_end(seen),
        *_steps_are_whole(seen.rows),
        *_calls_have_one_result(seen.rows),
        *_results_are_final(seen),
        *_unsafe_calls_run_once(seen),
        *_calls_have_one_key(seen),
        *_people_are_asked(seen),
        *faults_in_moves(seen),
        *_viewers_saw_the_rows(seen),
        *_tokens_add_up(seen),
        *_nothing_is_left(seen.before, seen.after),
        *_epochs_rise(seen.rows),
        *([] if seen.rows.integrity == "ok" else [f"integrity: {seen.rows.integrity}"]),
    ]


def _launches_are_runs(seen: Evidence) -> Iterator[str]:
    rows = Counter(run.id for run in seen.rows.runs)
    for run, times in Counter(seen.launched).items():
        if times != 1 or rows[run] != 1:
            yield f"I1: run {run} was answered {times} times and has {rows[run]} rows"


def _runs_end(seen: Evidence) -> Iterator[str]:
    """Runs end, and an answer belongs to a completed run and to no other."""
    answers = Counter(step.run for step in seen.rows.steps if step.kind == "answer")
    errors = Counter(step.run for step in seen.rows.steps if step.kind == "error")
    for run in seen.rows.runs:
        is_parked = run.status == "waiting" and run.waiting_for in ("approval", "decision", "resume")
        if run.owner is not None or not (run.status in FINAL or (is_parked and not seen.people_are_done)):
            yield f"I2: run {run.id} is {run.status} {run.waiting_for}, owner {run.owner}"
        if answers[run.id] != (run.status == "completed"):
            yield f"I2: run {run.id} is {run.status} with {answers[run.id]} answers"
        if run.status == "failed" and not errors[run.id]:
            yield f"I2: run {run.id} failed without an error"


def _steps_are_whole(rows: Rows) -> Iterator[str]:
    by_run = _by_run(rows)
    for run in rows.runs:
        sequences = sorted(step.sequence for step in by_run[run.id])
        if sequences != list(range(1, run.last_sequence + 1)):
            yield f"I3: run {run.id} has steps {sequences}, should be 1..{run.last_sequence}"
    for move in rows.moves:
        if move.kind == "step":
            yield f"I3: step {move.now} of run {move.run} was {move.was}"


def _calls_have_one_result(rows: Rows) -> Iterator[str]:
    proposals = Counter(step.call for step in rows.steps if step.kind == "tool_call")
    results = Counter(step.call for step in rows.steps if step.kind == "tool_result")
    ended = {run.id for run in rows.runs if run.status in FINAL}
    for place, times in Counter((call.run, call.turn, call.index, call.position) for call in rows.calls).items():
        if times > 1:
            yield f"I3: call {place} has {times} rows"
    for call in rows.calls:
        has = proposals[call.id], results[call.id]
        if has not in ([(1, 1)] if call.run in ended else [(1, 0), (1, 1)]):
            yield f"I3: call {call.id} ({call.state}) has {has[0]} calls and {has[1]} results"
        if call.run in ended and call.state not in SETTLED:
            yield f"I3: call {call.id} is {call.state}, and its run has ended"


def _results_are_final(seen: Evidence) -> Iterator[str]:
    recorded = {step.call: step.ended_at for step in seen.rows.steps if step.kind == "tool_result"}
    for line in seen.witnessed:
        if line.event == "start" and line.at > recorded.get(line.call, line.at):
            late_s = line.at - recorded[line.call]
            yield f"I4: call {line.call} was started by {line.pid} {late_s:.3f} s after its result was recorded"


def _unsafe_calls_run_once(seen: Evidence) -> Iterator[str]:
    starts = Counter(line.call for line in seen.witnessed if line.event == "start")
    for call in _unsafe(seen.rows):
        if starts[call.id] > 1 + seen.run_again.get(call.id, 0):
            yield f"I5: unsafe call {call.id} was started {starts[call.id]} times"


def _calls_have_one_key(seen: Evidence) -> Iterator[str]:
    ids = {call.place: call.id for call in seen.rows.calls}
    keys: dict[str, set[str]] = defaultdict(set)
    for line in seen.witnessed:
        keys[line.place].add(line.call)
    for place, used in keys.items():
        if used != {ids.get(place)}:
            yield f"I6: {place} is call {ids.get(place)} and was applied under {sorted(used)}"


def _people_are_asked(seen: Evidence) -> Iterator[str]:
    """A call that was started and never ended is unknown, and only a person lets its run go on."""
    began, ended = (Counter(line.call for line in seen.witnessed if line.event == each) for each in ("start", "end"))
    became_unknown = {move.call for move in seen.rows.moves if move.kind == "call" and move.now == "unknown"}
    have_results = {step.call for step in seen.rows.steps if step.kind == "tool_result"}
    parked = {run.id for run in seen.rows.runs if (run.status, run.waiting_for) == ("waiting", "decision")}
    for call in _unsafe(seen.rows):
        if began[call.id] > ended[call.id] and call.id not in became_unknown:
            yield f"I7: unsafe call {call.id} never ended, and is {call.state} without having been unknown"
        if call.state == "unknown" and call.id not in have_results and call.run not in parked:
            yield f"I7: call {call.id} is unknown, and its run {call.run} does not wait for a decision"


def _viewers_saw_the_rows(seen: Evidence) -> Iterator[str]:
    by_run = _by_run(seen.rows)
    for viewing in seen.viewings:
        wanted = [
            (step.sequence, step.content)
            for step in sorted(by_run[viewing.run], key=lambda step: step.sequence)
            if step.sequence > viewing.after
        ]
        if list(viewing.steps) != wanted:
            got = [sequence for sequence, _ in viewing.steps]
            yield f"I9: a viewer of run {viewing.run} saw {got} of {[sequence for sequence, _ in wanted]}"


def _tokens_add_up(seen: Evidence) -> Iterator[str]:
    """Each lost claim may have lost one reply, which the model server sent and no host recorded; so may a
    stop, whose report says that a model was being asked. A reply that was cut off is booked by the site's own estimate,
    and the run says so: the scripted model reports far fewer tokens than its request has."""
    if seen.served_tokens is None:
        return
    for run in seen.rows.runs:
        served, booked = seen.served_tokens.get(run.task, 0), run.tokens or 0
        most_lost = (max(0, run.epoch - 1) + (run.status == "cancelled")) * seen.tokens_a_reply
        may_exceed = run.is_estimated and most_lost
        if (booked > served and not may_exceed) or served > booked + most_lost:
            yield f"I10: run {run.id} booked {booked} tokens of {served} served; {most_lost} may be lost"
    booked = sum(run.tokens or 0 for run in seen.rows.runs)
    if seen.rows.spent_tokens not in (None, booked):
        yield f"I10: people's accounts say {seen.rows.spent_tokens} tokens, their runs {booked}"


def _nothing_is_left(before: Leftovers, after: Leftovers) -> Iterator[str]:
    for name in Leftovers.__slots__:
        if getattr(after, name) > getattr(before, name):
            yield f"I11: {getattr(after, name)} {name}, {getattr(before, name)} before"


def _epochs_rise(rows: Rows) -> Iterator[str]:
    for run, steps in _by_run(rows).items():
        epochs = [step.epoch for step in sorted(steps, key=lambda step: step.sequence)]
        if epochs != sorted(epochs):
            yield f"I12: run {run} has steps of epochs {epochs}"


def _unsafe(rows: Rows) -> Iterator[CallSeen]:
    return (call for call in rows.calls if call.effect == "unsafe")


def _by_run(rows: Rows) -> dict[str, list[StepSeen]]:
    by_run: dict[str, list[StepSeen]] = defaultdict(list)
    for step in rows.steps:
        by_run[step.run].append(step)
    return by_run
