"""A run in a script, cancelled at each of its awaits: it always ends with the true status and leaves nothing behind."""

import asyncio
from typing import Any

import pytest

from runs.agent import AgentState, AgentThought, RetryPolicy, ThoughtType, run_agent
from runs.agent import run as agent_run
from tests import fuzzed_run
from tests.strikes import Strikes

FINAL = (ThoughtType.ANSWER, ThoughtType.ERROR)
MOST_WAITS = 200
AT_ONCE = RetryPolicy(base_s=0.001)


@pytest.mark.parametrize("times", [1, 2, 3])
async def test_a_run_cancelled_at_any_await_any_number_of_times_ends_truthfully(
    own_registry: None, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    fuzzed_run.register_tools()
    states = fuzzed_run.watch_states(monkeypatch, agent_run)
    strikes = Strikes(lambda coro: coro.__qualname__ == "run_agent")
    strikes.watch(asyncio.get_running_loop())
    before = asyncio.all_tasks()
    ends = set()
    for wait in range(MOST_WAITS):
        strikes.prepare(range(wait, wait + times), lambda root, _: root.cancel())
        states.clear()
        thoughts: list[AgentThought] = []
        run = asyncio.create_task(
            run_agent("x", model=fuzzed_run.script(), tools=fuzzed_run.TOOLS, retry=AT_ONCE, report=thoughts.append)
        )
        await asyncio.wait([run])

        ends.add(verified(run, states, thoughts, was_struck=strikes.struck > 0))
        assert {task for task in asyncio.all_tasks() if task not in before} == set(), f"left at wait {wait}"
        if not strikes.struck:
            break
    assert not strikes.struck, f"A run of more than {MOST_WAITS} waits."
    assert wait > 15
    assert strikes.unhandled == []
    assert ends == {"cancelled", "completed"}


def verified(
    run: "asyncio.Task[Any]", states: list[AgentState], thoughts: list[AgentThought], *, was_struck: bool
) -> str:
    """How the run ended, after checking that its state, its result and its thoughts agree."""
    ended = [each for each in thoughts if each.type in FINAL]
    if run.cancelled():
        assert was_struck
        assert [state.status.value for state in states] in ([], ["cancelled"])
        assert ended == []
        return "cancelled"
    (state,) = states
    result = run.result()
    assert result.success
    assert [each.type for each in ended] == [ThoughtType.ANSWER]
    assert thoughts[-1] is ended[0]
    calls = {each.metadata["call_id"] for each in thoughts if each.type is ThoughtType.TOOL_CALL}
    results = [each.metadata["call_id"] for each in thoughts if each.type is ThoughtType.TOOL_RESULT]
    assert (len(calls), set(results), len(results)) == (4, calls, 4)
    assert (result.steps_taken, result.tokens_used) == (len(thoughts), state.total_tokens)
    return str(state.status.value)
