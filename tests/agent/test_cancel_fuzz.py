"""A run in a script, stopped at every single one of its awaits: it always ends truthfully and leaves nothing behind."""

import asyncio
import time
from contextlib import asynccontextmanager
from typing import Any

import pytest

from runs.agent import AgentState, AgentThought, RetryPolicy, ThoughtType, agent_execution, run_agent, tool
from runs.agent import run as agent_run
from runs.agent.errors import ModelFailure, ToolFailed
from runs.agent.messages import ModelReply, ToolRequest, Usage
from runs.agent.providers.scripted import ScriptedModel
from tests.strikes import Strikes

pytestmark = pytest.mark.usefixtures("own_registry")

FINAL = (ThoughtType.ANSWER, ThoughtType.ERROR)
MOST_WAITS = 200


class AskedOverTheNet(ScriptedModel):
    """A model whose replies take a few turns of the event loop, piece by piece."""

    async def reply(self, request: Any, **options: Any) -> ModelReply:
        for _ in range(3):
            await asyncio.sleep(0)
        return await super().reply(request, **options)


def script() -> AskedOverTheNet:
    """A failed attempt, four calls together, one of which fails, then the answer."""
    down = ModelFailure("Down.", kind="server", provider="scripted", model="scripted", status=503)
    calls = tuple(ToolRequest(name, {}) for name in ("read_it", "in_a_thread", "send_it", "break_it"))
    return AskedOverTheNet(
        down,
        ModelReply("I begin.", calls=calls, usage=Usage(output_tokens=10)),
        ModelReply("Done.", usage=Usage(output_tokens=5)),
    )


@pytest.fixture
def tools(own_registry: None) -> list[Any]:
    @tool(effect="read")
    async def read_it() -> str:
        """Read."""
        try:
            await asyncio.sleep(0)
            await asyncio.sleep(0.001)
        finally:
            for _ in range(3):  # closing a connection takes a moment
                await asyncio.sleep(0)
        return "read"

    @tool(effect="pure")
    def in_a_thread() -> str:
        """Think."""
        time.sleep(0.001)  # in a thread of its own
        return "thought"

    @tool(effect="unsafe")
    async def send_it() -> str:
        """Send."""
        await asyncio.sleep(0.001)
        return "sent"

    @tool(effect="idempotent")
    async def break_it() -> str:
        """Break."""
        await asyncio.sleep(0)
        raise ToolFailed("broken")

    return [read_it, in_a_thread, send_it, break_it]


@pytest.fixture
def states(monkeypatch: pytest.MonkeyPatch) -> list[AgentState]:
    """The states of the runs, in order."""
    seen: list[AgentState] = []

    @asynccontextmanager
    async def watched(task: str) -> Any:
        async with agent_execution(task) as state:
            seen.append(state)
            yield state

    monkeypatch.setattr(agent_run, "agent_execution", watched)
    return seen


@pytest.mark.parametrize("times", [1, 2, 3])
async def test_a_run_cancelled_at_any_await_any_number_of_times_ends_truthfully(
    tools: list[Any], states: list[AgentState], times: int
) -> None:
    loop = asyncio.get_running_loop()
    strikes = Strikes(lambda coro: coro.__qualname__ == "run_agent")
    unhandled: list[Any] = []
    loop.set_exception_handler(lambda _, context: unhandled.append(context))
    loop.set_task_factory(strikes.make_task)
    before = asyncio.all_tasks()
    ends = set()
    for wait in range(MOST_WAITS):
        strikes.prepare(range(wait, wait + times), lambda root, _: root.cancel())
        states.clear()
        thoughts: list[AgentThought] = []
        policy = RetryPolicy(base_s=0.001)
        run = asyncio.create_task(run_agent("x", model=script(), tools=tools, retry=policy, report=thoughts.append))
        await asyncio.wait([run])

        ends.add(verified(run, states, thoughts, was_struck=strikes.struck > 0))
        assert {task for task in asyncio.all_tasks() if task not in before} == set(), f"left at wait {wait}"
        if not strikes.struck:
            break
    assert not strikes.struck, f"A run of more than {MOST_WAITS} waits."
    assert wait > 15
    assert unhandled == []
    assert ends == {"cancelled", "completed"}


def verified(
    run: "asyncio.Task[Any]", states: list[AgentState], thoughts: list[AgentThought], *, was_struck: bool
) -> str:
    """How the run ended, which its state, its result and its thoughts agree on."""
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
