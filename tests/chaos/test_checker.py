"""The checker finds each fault, and none in a sound history."""

from dataclasses import replace
from typing import Any

import pytest

from tests.chaos.checker import faults_in
from tests.chaos.evidence import CallSeen, Evidence, Leftovers, Moved, Rows, RunSeen, StepSeen, Viewing, Witnessed
from tests.chaos.verdict import assert_sound

STEPS = (
    StepSeen("run-1", 1, 1, "tool_call", "work()", "call-1", tokens=18, ended_at=10.0),
    StepSeen("run-1", 2, 1, "tool_result", "done", "call-1", ended_at=12.0),
    StepSeen("run-1", 3, 2, "note", "Resumed.", ended_at=20.0),
    StepSeen("run-1", 4, 2, "answer", "Done.", tokens=18, ended_at=21.0),
)
CALL = CallSeen("call-1", "run-1", 1, 0, 0, "unsafe", "succeeded", "a/1/0")
RUN = RunSeen("run-1", "work a", "completed", "", None, epoch=2, last_sequence=4, tokens=36)
MOVES = (
    Moved("run", "run-1", "idle", "thinking", 0, 1, 9.0),
    Moved("run", "run-1", "thinking", "executing", 1, 1, 10.0),
    Moved("call", "run-1", "proposed", "started", 1, 1, 10.5, "call-1"),
    Moved("call", "run-1", "started", "succeeded", 1, 1, 12.0, "call-1"),
    Moved("run", "run-1", "executing", "thinking", 1, 2, 19.0),
    Moved("run", "run-1", "thinking", "completed", 2, 2, 21.0),
)
BEGAN, ENDED = Witnessed("start", "call-1", 7, 11.0, "a/1/0"), Witnessed("end", "call-1", 7, 11.5, "a/1/0")
SOUND = Evidence(
    rows=Rows([RUN], STEPS, [CALL], MOVES, spent_tokens=36),
    launched=["run-1"],
    witnessed=[BEGAN, ENDED],
    viewings=[Viewing("run-1", 1, [(2, "done"), (3, "Resumed."), (4, "Done.")])],
    served_tokens={"work a": 36},
    tokens_a_reply=18,
)


def but(**changes: Any) -> Evidence:
    """The sound history with other rows."""
    return replace(SOUND, rows=replace(SOUND.rows, **changes))


def with_steps(*steps: StepSeen, **changes: Any) -> Evidence:
    """The sound history with these steps, numbered from 1, and without viewers."""
    numbered = [replace(step, sequence=number) for number, step in enumerate(steps, start=1)]
    runs = [replace(RUN, last_sequence=len(steps))]
    return replace(but(runs=runs, steps=numbered, **changes), viewings=())


def with_state(state: str, **changes: Any) -> Evidence:
    """The sound history with the call in another state."""
    return but(calls=[replace(CALL, state=state)], **changes)


def witnessed(*lines: Witnessed) -> Evidence:
    """The sound history with other lines of the witness."""
    return replace(SOUND, witnessed=lines)


def moved(*moves: Moved) -> Evidence:
    """The sound history with further moves at its end."""
    return but(moves=[*MOVES, *moves])


LATER = replace(BEGAN, at=30.0)
RUN_MOVE, CALL_MOVE = MOVES[-1], MOVES[3]


def test_a_sound_history_has_no_fault():
    assert faults_in(SOUND) == []


def test_a_run_may_wait_for_a_person_while_people_are_asked():
    parked = replace(RUN, status="waiting", waiting_for="decision", last_sequence=1, tokens=18)
    asked = but(runs=[parked], steps=STEPS[:1], calls=[replace(CALL, state="unknown")], spent_tokens=18, moves=())

    seen = replace(asked, viewings=(), witnessed=(), served_tokens=None, people_are_done=False)

    assert faults_in(seen) == []
    assert faults_in(replace(seen, people_are_done=True)) != []


@pytest.mark.parametrize(
    ("invariant", "broken"),
    [
        pytest.param("I1", replace(SOUND, launched=["run-1", "run-2"]), id="a lost run"),
        pytest.param("I1", replace(SOUND, launched=["run-1", "run-1"]), id="two launches that are one run"),
        pytest.param("I2", but(runs=[replace(RUN, status="idle")]), id="a run that never ends"),
        pytest.param("I2", but(runs=[replace(RUN, owner="host-1")]), id="a run that is still owned"),
        pytest.param("I2", with_steps(*STEPS[:3]), id="completed without an answer"),
        pytest.param("I2", but(runs=[replace(RUN, status="cancelled")]), id="cancelled with an answer"),
        pytest.param("I3", with_steps(*STEPS[:2], STEPS[1], *STEPS[2:]), id="a doubled result"),
        pytest.param("I3", but(steps=[STEPS[0], *STEPS[2:]]), id="a gap"),
        pytest.param("I3", but(steps=[*STEPS, STEPS[3]]), id="a doubled sequence"),
        pytest.param("I3", moved(Moved("step", "run-1", "changed", "2", 1, 1, 22.0)), id="a changed step"),
        pytest.param("I3", but(calls=[CALL, CALL]), id="a doubled call"),
        pytest.param("I3", with_state("started"), id="a call nobody settled"),
        pytest.param("I4", witnessed(BEGAN, ENDED, LATER), id="a result run again"),
        pytest.param("I5", witnessed(BEGAN, ENDED, replace(BEGAN, pid=8)), id="an unsafe call run twice"),
        pytest.param("I6", witnessed(BEGAN, replace(ENDED, call="call-2")), id="another key for the same call"),
        pytest.param("I7", witnessed(BEGAN), id="a call that never ended and counts as done"),
        pytest.param("I7", with_steps(STEPS[0], *STEPS[2:], calls=[replace(CALL, state="unknown")]), id="nobody asked"),
        pytest.param("I8", moved(replace(RUN_MOVE, was="completed", now="thinking")), id="a run that goes on"),
        pytest.param("I8", moved(replace(RUN_MOVE, was="idle", now="executing")), id="work without a claim"),
        pytest.param("I8", moved(replace(RUN_MOVE, epoch_now=4)), id="an epoch left out"),
        pytest.param("I8", moved(replace(CALL_MOVE, was="denied", now="started")), id="a denied call that starts"),
        pytest.param("I8", moved(Moved("late", "run-1", "cancelled", "5", 2, 1, 22.0)), id="a step after the end"),
        pytest.param("I8", moved(replace(RUN_MOVE, now="cancelled", at=10.9)), id="a call started after the stop"),
        pytest.param("I9", replace(SOUND, viewings=[Viewing("run-1", 2, [(4, "Done.")])]), id="a step nobody saw"),
        pytest.param("I9", replace(SOUND, viewings=[Viewing("run-1", 3, [(4, "No.")])]), id="other words"),
        pytest.param("I10", replace(SOUND, served_tokens={"work a": 18}), id="tokens nobody served"),
        pytest.param(
            "I10",
            replace(but(runs=[replace(RUN, is_estimated=True)]), served_tokens={"work a": 72}),
            id="an estimate below what was served",
        ),
        pytest.param("I10", replace(SOUND, served_tokens={"work a": 72}), id="more replies lost than claims"),
        pytest.param("I10", but(spent_tokens=18), id="an account that does not add up"),
        pytest.param("I11", replace(SOUND, after=Leftovers(processes=1)), id="a process left behind"),
        pytest.param("I12", with_steps(*STEPS[:2], replace(STEPS[2], epoch=0), STEPS[3]), id="an epoch that falls"),
        pytest.param("integrity", but(integrity="row 7 missing"), id="a broken file"),
    ],
)
def test_every_kind_of_fault_is_found(invariant: str, broken: Evidence):
    assert any(fault.startswith(f"{invariant}: ".replace("integrity: ", "integrity:")) for fault in faults_in(broken))


def test_a_verdict_tells_the_story_of_what_is_broken():
    run, call = "1" * 32, "2" * 32
    steps = [replace(step, run=run, call=call if step.call else None) for step in STEPS]
    rows = Rows([replace(RUN, id=run)], steps, [replace(CALL, id=call, run=run)], spent_tokens=36)
    lines = [replace(line, call=call) for line in (BEGAN, ENDED, LATER)]
    again = replace(SOUND, rows=rows, launched=[run], viewings=(), witnessed=lines)

    with pytest.raises(AssertionError) as verdict:
        assert_sound(again)

    told = str(verdict.value).splitlines()
    assert f"I4: call {call} was started by 7 18.000 s after its result was recorded" in told
    assert told.index("12.000 step 2 of epoch 1: tool_result " + call + " 'done'") < len(told) - 1
    assert told[-1].startswith("30.000 witness: start")
