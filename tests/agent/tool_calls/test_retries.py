"""Retries of tool calls: only with a policy, and never for an unsafe tool."""

import asyncio

import pytest

from runs.agent import AgentThought, RetryPolicy, RunLimits, ThoughtType, ToolFailed, ToolUnavailable, run_agent
from runs.agent.providers.scripted import ScriptedModel, answers, calls_tool
from runs.agent.tool_calls.parallel import execute_tools_parallel
from runs.agent.tools.call_idempotency import idempotency_key
from runs.agent.tools.function_tool import FunctionTool
from runs.agent.tools.toolbox import Toolbox

THRICE = RetryPolicy(max_attempts=3, base_s=0.001)


class Flaky:
    """A tool function with given failures before it succeeds; it hangs for None."""

    def __init__(self, *errors):
        self.errors = list(errors)
        self.keys = []

    async def look_up(self) -> str:
        """Look it up."""
        self.keys.append(idempotency_key())
        if self.errors:
            error = self.errors.pop(0)
            if error is None:
                await asyncio.Event().wait()
            raise error
        return "found"


async def run_with(flaky, *, effect="read", retry=THRICE, limits=None):
    thoughts: list[AgentThought] = []
    tool = FunctionTool(flaky.look_up, effect=effect, retry=retry)
    model = ScriptedModel(calls_tool("look_up"), answers("Done."))
    result = await run_agent("Look.", model=model, tools=[tool], limits=limits, report=thoughts.append)
    assert result.success
    (ended,) = [each for each in thoughts if each.type is ThoughtType.TOOL_RESULT]
    return [each for each in thoughts if each.type is ThoughtType.RETRY], ended.metadata


@pytest.mark.parametrize("error", [ConnectionResetError("peer"), TimeoutError("slow"), ToolUnavailable("In use.")])
async def test_a_call_that_may_pass_is_tried_again_and_each_failed_attempt_is_shown(error):
    flaky = Flaky(error, error)

    retries, result = await run_with(flaky)

    assert result["tool_output"] == "found"
    assert [(each.metadata["attempt"], each.metadata["max_attempts"]) for each in retries] == [(1, 3), (2, 3)]
    assert {each.metadata["call_id"] for each in retries} == {result["call_id"]}
    assert all(each.metadata["tool_name"] == "look_up" and each.metadata["next_at"] for each in retries)


async def test_a_call_that_hangs_is_tried_again_after_its_time_limit():
    flaky = Flaky(None)

    retries, result = await run_with(flaky, limits=RunLimits(tool_timeout_s=0.05))

    assert result["tool_output"] == "found"
    assert [each.metadata["code"] for each in retries] == ["tool_timeout"]


async def test_every_attempt_at_a_call_has_the_same_key():
    flaky = Flaky(ConnectionResetError(), ConnectionResetError())

    _, result = await run_with(flaky, effect="idempotent")

    assert flaky.keys == [result["call_id"]] * 3


async def test_after_the_last_attempt_the_model_is_told_the_failure():
    flaky = Flaky(*[ConnectionResetError("peer")] * 5)

    retries, result = await run_with(flaky)

    assert len(flaky.keys) == 3
    assert len(retries) == 2
    assert result["code"] == "network"


@pytest.mark.parametrize("error", [ToolFailed("There is none."), ValueError("a bug")])
async def test_an_answer_and_a_bug_are_not_tried_again(error):
    flaky = Flaky(error)

    retries, _ = await run_with(flaky)

    assert (len(flaky.keys), retries) == (1, [])


async def test_a_tool_that_says_nothing_is_called_once():
    flaky = Flaky(ConnectionResetError())

    assert (await run_with(flaky, retry=None))[0] == []
    assert len(flaky.keys) == 1


def test_an_unsafe_tool_cannot_ask_to_be_tried_again():
    with pytest.raises(ValueError, match="An unsafe tool is never retried"):
        FunctionTool(Flaky().look_up, effect="unsafe", retry=THRICE)


async def test_an_unsafe_tool_of_somebody_s_own_class_is_called_once_whatever_it_says():
    flaky = Flaky(None)
    tool = FunctionTool(flaky.look_up, effect="read", retry=THRICE)
    tool.effect = "unsafe"

    (result,) = await execute_tools_parallel([("look_up", {})], toolbox=Toolbox([tool]), timeout_s=0.02)

    assert result["error"].code == "outcome_unknown"
    assert len(flaky.keys) == 1


async def test_stopping_the_run_ends_the_wait_for_the_next_attempt():
    told = asyncio.Event()
    flaky = Flaky(ConnectionResetError())
    tool = FunctionTool(flaky.look_up, effect="read", retry=RetryPolicy(base_s=1e6, cap_s=1e6))
    model = ScriptedModel(calls_tool("look_up"), answers("Done."))

    def report(thought):
        if thought.type is ThoughtType.RETRY:
            told.set()

    limits = RunLimits(max_duration_s=1e9)
    run = asyncio.create_task(run_agent("Look.", model=model, tools=[tool], limits=limits, report=report))
    await told.wait()
    run.cancel()

    with pytest.raises(asyncio.CancelledError):
        await run


async def test_tools_called_together_are_tried_again_each_for_itself():
    good, flaky = Flaky(), Flaky(ConnectionResetError())
    tools = [
        FunctionTool(good.look_up, name="good", effect="read"),
        FunctionTool(flaky.look_up, name="flaky", effect="read", retry=THRICE),
    ]

    results = await execute_tools_parallel([("good", {}), ("flaky", {})], toolbox=Toolbox(tools))

    assert [each["result"] for each in results] == ["found", "found"]


@pytest.mark.parametrize(
    ("limits", "limit"),
    [
        (RunLimits(tool_timeout_s=0.05), "tool_timeout_s"),
        (RunLimits(tool_timeout_s=20, max_duration_s=0.3), "max_duration_s"),
    ],
)
async def test_a_call_that_took_too_long_says_which_limit_it_met(limits, limit):
    thoughts: list[AgentThought] = []
    model = ScriptedModel(calls_tool("look_up"), answers("Done."))
    tool = FunctionTool(Flaky(None).look_up, effect="read")

    await run_agent("Look.", model=model, tools=[tool], limits=limits, report=thoughts.append)

    (ended,) = [each for each in thoughts if each.type is ThoughtType.TOOL_RESULT]
    assert f"(limit {limit})" in ended.content
