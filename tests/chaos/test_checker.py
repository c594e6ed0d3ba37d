"""The checker finds each fault it is there for, and none where there is none."""

from dataclasses import replace

import pytest

from tests.chaos.checker import CallSeen, Evidence, Rows, RunSeen, Started, StepSeen, faults_in

PLACE = ("a", 1, 0)
STEPS = (
    StepSeen("run-1", 1, 1, "tool_call", "work()", "call-1"),
    StepSeen("run-1", 2, 1, "tool_result", "a/1/0", "call-1"),
    StepSeen("run-1", 3, 2, "note", "Resumed."),
    StepSeen("run-1", 4, 2, "answer", "Done."),
)
CALL = CallSeen("call-1", "run-1", 1, 0, "succeeded", PLACE)
RUN = RunSeen("run-1", "completed", None, 4)
SOUND = Evidence(
    launched=["run-1"],
    killed=7,
    before=Rows([RunSeen("run-1", "executing", "host-1", 2)], STEPS[:2], [CALL]),
    after=Rows([RUN], STEPS, [CALL]),
    starts=[Started(PLACE, 7)],
)


def with_steps(*steps: StepSeen) -> Evidence:
    run = replace(RUN, last_sequence=len(steps))
    return replace(SOUND, after=replace(SOUND.after, runs=[run], steps=steps))


def renumbered(*steps: StepSeen) -> Evidence:
    return with_steps(*(replace(step, sequence=number) for number, step in enumerate(steps, start=1)))


def test_a_sound_history_has_no_fault():
    assert faults_in(SOUND) == []


@pytest.mark.parametrize(
    ("kind", "broken"),
    [
        pytest.param("sequence", with_steps(*STEPS, STEPS[3]), id="a doubled step"),
        pytest.param("sequence", with_steps(STEPS[0], STEPS[1], STEPS[3]), id="a gap"),
        pytest.param("result", renumbered(*STEPS[:2], STEPS[1], *STEPS[2:]), id="a doubled result"),
        pytest.param("repeated", replace(SOUND, starts=[Started(PLACE, 7), Started(PLACE, 8)]), id="a result re-run"),
        pytest.param("launch", replace(SOUND, launched=["run-1", "run-2"]), id="a lost run"),
        pytest.param("epoch", with_steps(*STEPS[:2], replace(STEPS[2], epoch=0), STEPS[3]), id="a decreasing epoch"),
        pytest.param("step", renumbered(*STEPS[2:]), id="a lost step"),
        pytest.param("step", with_steps(replace(STEPS[0], content="other"), *STEPS[1:]), id="a changed step"),
        pytest.param("repeated", replace(SOUND, starts=[Started(PLACE, 7)] * 2), id="a call started twice at once"),
        pytest.param(
            "end",
            replace(SOUND, after=replace(SOUND.after, runs=[replace(RUN, status="idle")])),
            id="a run that never ends",
        ),
        pytest.param("call", replace(SOUND, after=replace(SOUND.after, calls=[CALL, CALL])), id="a doubled call"),
        pytest.param(
            "integrity", replace(SOUND, after=replace(SOUND.after, integrity="row 7 missing")), id="a broken file"
        ),
    ],
)
def test_every_kind_of_fault_is_found(kind: str, broken: Evidence):
    assert any(fault.startswith(f"{kind}:") for fault in faults_in(broken))
