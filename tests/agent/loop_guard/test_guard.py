"""The loop guard over recorded runs, and its rules one by one."""

from dataclasses import replace
from typing import Any

import pytest

from runs.agent import RunLimits, run_agent
from runs.agent.errors.exceptions import LoopDetected
from runs.agent.loop_guard.guard import LoopGuard
from runs.agent.messages import ModelReply, ToolRequest, ToolResult, Turn
from runs.agent.tools.function_tool import FunctionTool
from runs.agent.tools.protocol import Effect
from runs.agent.tools.toolbox import Toolbox
from tests.agent.loop_guard.recorded_runs import RecordedModel, RecordedRun, recorded, recorded_tools

LOOPS, GOOD_RUNS = recorded("loops.jsonl"), recorded("good_runs.jsonl")
LEAST_SAVED = 0.8
CODE = "limit_max_repeats"


async def played(run: RecordedRun, **limits: Any) -> tuple[Any, RecordedModel]:
    model = RecordedModel(run)
    result = await run_agent(
        "Find it out.", model=model, tools=recorded_tools(run), limits=RunLimits(max_turns=200, **limits)
    )
    return result, model


async def test_recorded_loops_lose_four_fifths_of_their_spend_and_each_model_is_told_first():
    saved, all_of_it = 0, 0
    for run in LOOPS:
        result, model = await played(run)
        assert result.error is not None and result.error.code == CODE, run.name
        assert "going in circles" in warnings_in(model), run.name
        made = len(model.requests)
        saved += run.spend(len(run.turns)) - run.spend(made)
        all_of_it += run.spend(len(run.turns)) - run.spend(run.loop_starts)

    assert (len(LOOPS), saved / all_of_it >= LEAST_SAVED) == (30, True), saved / all_of_it


async def test_no_recorded_good_run_is_stopped():
    stopped = [run.name for run in GOOD_RUNS if not (await played(run))[0].success]

    assert (len(GOOD_RUNS), stopped) == (200, [])


def warnings_in(model: RecordedModel) -> str:
    return "\n".join(result.remark for turn in model.requests[-1].turns for result in turn.results)


def tool(name: str, effect: Effect, *, polls: bool = False) -> FunctionTool:
    return FunctionTool(lambda: None, name=name, parameters={"type": "object"}, effect=effect, polls=polls)


READ, SEND, JOB = tool("read", "read"), tool("send", "unsafe"), tool("job", "pure", polls=True)


def turn(*calls: tuple[str, dict[str, Any], Any]) -> Turn:
    requests = tuple(ToolRequest(name, arguments) for name, arguments, _ in calls)
    return Turn(ModelReply(calls=requests), tuple(ToolResult("id", name, output) for name, _, output in calls))


def outcome(turns: list[Turn], **limits: Any) -> tuple[list[int], int | None]:
    """The numbers of the turns after which the model is told, and of the one after which the run stops."""
    guard, told = LoopGuard(RunLimits(**limits), Toolbox([READ, SEND, JOB])), []
    for number, each in enumerate(turns, 1):
        if guard.warning_after(each) is not None:
            told.append(number)
        try:
            guard.check()
        except LoopDetected:
            return told, number
    return told, None


def test_the_model_is_told_at_the_third_equal_call_and_the_run_stops_at_the_fifth():
    assert outcome([turn(("read", {"path": "a"}, "text"))] * 9) == ([3], 5)


@pytest.mark.parametrize(("most", "expected"), [(2, ([2], 3)), (6, ([4], 7)), (1000, ([501], 1001))])
def test_the_agent_says_how_many_repeats_it_may_make(most, expected):
    assert outcome([turn(("read", {"path": "a"}, "text"))] * 1200, max_repeats=most) == expected


def test_something_new_starts_the_count_again_and_the_model_is_told_again():
    again, new = turn(("read", {"path": "a"}, "text")), turn(("read", {"path": "b"}, "another text"))

    assert outcome([again, again, again, new, again, again, again, again]) == ([3, 6], 8)


def test_a_message_of_a_person_starts_the_count_again():
    again, toolbox = turn(("read", {"path": "a"}, "text")), Toolbox([READ])
    told = replace(again, messages=("Once more.",))

    with pytest.raises(LoopDetected):
        LoopGuard(RunLimits(), toolbox, [again] * 5).check()
    LoopGuard(RunLimits(), toolbox, [again] * 4 + [told]).check()
    guard = LoopGuard(RunLimits(), toolbox, [again] * 5)
    guard.reset()
    guard.check()


def test_calls_that_poll_neither_count_nor_start_the_count_again_until_their_result_has_come():
    waiting, done = turn(("job", {"id": 1}, "running")), turn(("job", {"id": 1}, "done"))
    again = turn(("read", {"path": "a"}, "text"))

    assert outcome([waiting] * 50 + [done]) == ([], None)
    assert outcome([waiting, again, again, again, waiting, again, waiting, again]) == ([4], 8)
    assert outcome([again, again, again, done, again, again, again]) == ([3, 6], None)


def test_what_may_have_changed_since_may_be_read_again():
    looks = turn(("read", {"path": "."}, ["a.txt"]))
    changes = [turn(("send", {"text": f"text {n}"}, "sent")) for n in range(20)]

    assert outcome([each for change in changes for each in (change, looks)]) == ([], None)
    assert outcome([each for change in changes[:1] * 20 for each in (change, looks)]) == ([4], 6)


def test_everything_that_may_have_changed_since_may_be_read_again():
    reads = [turn(("read", {"path": f"{n}.txt"}, f"line {n} of text\n" * 20)) for n in range(12)]
    change = turn(("send", {"text": "new"}, "sent"))

    assert outcome([*reads, change, *reads]) == ([], None)
    assert outcome([*reads, change, *reads * 3])[1] is not None


def test_a_tool_that_polls_cannot_change_anything():
    with pytest.raises(ValueError, match="A tool that polls does the same again and again: it is pure or reads"):
        FunctionTool(lambda: None, name="wait", effect="idempotent", polls=True)


def test_a_resumed_run_counts_on_from_its_earlier_turns():
    again = turn(("read", {"path": "a"}, "text"))
    earlier = [again, again, again.with_warning("You are going in circles.")]
    guard = LoopGuard(RunLimits(), Toolbox([READ]), earlier)

    assert guard.warning_after(again) is None
    guard.check()
    assert guard.warning_after(again) is None
    with pytest.raises(LoopDetected, match=r"max_repeats: 4 of 4.*such as read\(path='a'\)"):
        guard.check()


LONG = {"line": "x" * 5_000_000, "rows": [["é\ud800"]] * 100_000, "figures": "1 " * 2_000_000}


@pytest.mark.parametrize("output", LONG)
def test_an_output_of_any_kind_is_compared(output):
    assert outcome([turn(("read", {"path": "a"}, LONG[output]))] * 3) == ([3], None)
