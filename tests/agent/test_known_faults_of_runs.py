"""The known faults of each pattern are not in ours: results, tools, states, scopes and streams of runs."""

import asyncio
import uuid
from typing import Any

import pytest

from runs.agent import (
    AgentFailure,
    AgentState,
    AgentStatus,
    RetryPolicy,
    ThoughtType,
    Toolbox,
    agent_execution,
    execute_tool_by_name,
    execute_tool_safely,
    run_agent,
    stream_agent_execution,
    tool,
)
from runs.agent.config import RunConfig
from runs.agent.execution import execute
from runs.agent.journal import Entry, ReportingJournal
from runs.agent.loop import AgentLoop
from runs.agent.messages import ModelReply, ToolRequest
from runs.agent.providers.scripted import ScriptedModel, answers, calls_tool, calls_tools
from runs.agent.state import AgentStep
from runs.agent.usage import Usage
from tests.agent.failing_tools import DOWN, REFUSED, breaks, hangs, works

pytestmark = pytest.mark.usefixtures("own_registry")


async def test_a_failed_run_still_says_what_it_did_and_what_it_cost():
    call = ModelReply("First.", calls=(ToolRequest("works", {}),), usage=Usage(input_tokens=30, output_tokens=10))
    ours = await run_agent("x", model=ScriptedModel(call, REFUSED), tools=[works])

    assert (ours.success, ours.output, ours.tokens_used) == (False, None, 40)
    assert ours.steps_taken == 5  # reasoning, call, result, the failed attempt, the error


# Tools


@pytest.mark.parametrize(
    "expression", ["__import__('os').getcwd()", "().__class__.__mro__", "[1, 2]", "(lambda: 6 * 7)()"]
)
async def test_arithmetic_is_never_evaluated_as_python(expression):
    with pytest.raises(AgentFailure):
        await execute_tool_by_name("calculator", expression=expression)


async def test_arguments_are_checked_before_a_tool_runs():
    ran_with = []

    async def delete_older_than(days: int) -> None:
        """Delete."""
        ran_with.append(days)

    wrote: dict[str, Any] = {"days": "all"}
    with pytest.raises(AgentFailure, match="days: Input should be a valid integer"):
        await execute_tool_safely(tool(delete_older_than).tool, wrote)
    assert ran_with == []


def test_a_second_tool_of_a_name_is_refused_and_both_places_are_named():
    tool("send", "Send it.", {"type": "object"})(works)
    with pytest.raises(ValueError, match=r"Two tools are named 'send': .*\.py:\d+ and .*\.py:\d+"):
        tool("send", "Send it otherwise.", {"type": "object"})(breaks)


# State


class Ledger(ReportingJournal):
    """A journal that keeps the last recorded status, as the run's row does."""

    def __init__(self) -> None:
        super().__init__()
        self.status = AgentStatus.THINKING

    async def record(self, entry: Entry) -> None:
        await super().record(entry)
        if entry.status is not None:
            self.status = entry.status


async def test_a_status_nobody_recorded_does_not_exist():
    seen: list[tuple[str, AgentStatus, AgentStatus]] = []
    ledger, state = Ledger(), AgentState(context={"task": "x"})

    def look(where: str) -> None:
        seen.append((where, state.status, ledger.status))

    async def look_around() -> str:
        """Look."""
        look("tool")
        return "seen"

    class Model(ScriptedModel):
        async def reply(self, request: Any, **options: Any) -> ModelReply:
            look("model")
            return await super().reply(request, **options)

    model = Model(calls_tools(("look_around", {}), ("look_around", {})), DOWN, answers("Done."))
    config = RunConfig(providers=[model], toolbox=Toolbox([look_around]), retry=RetryPolicy(base_s=0))
    await execute(AgentLoop("x", config, journal=ledger, run_id=uuid.uuid4()), state)
    look("end")

    thinking, executing, done = AgentStatus.THINKING, AgentStatus.EXECUTING, AgentStatus.COMPLETED
    assert [(where, status) for where, status, _ in seen] == [
        ("model", thinking),
        ("tool", executing),
        ("tool", executing),
        ("model", thinking),
        ("model", thinking),
        ("end", done),
    ]
    assert all(status is recorded for _, status, recorded in seen)
    with pytest.raises(ValueError, match="A completed run cannot become thinking"):
        state.mark_thinking()


def test_none_of_the_recent_steps_are_none_not_all():
    state = AgentState()
    for number in (1, 2, 3):
        state.add_step(AgentStep(number, "look", None, None, None, ""))
    assert state.get_recent_steps(0) == []


# The scope of a run


async def test_a_cancelled_run_is_cancelled_and_not_completed():
    async def cancelled_in(scope: Any) -> AgentStatus:
        entered: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        async def work() -> None:
            async with scope as state:
                entered.set_result(state)
                await asyncio.Event().wait()

        task = asyncio.create_task(work())
        state = await entered
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        status: AgentStatus = state.status
        return status

    assert await cancelled_in(agent_execution("x")) is AgentStatus.CANCELLED


# Streams


async def test_a_run_that_fails_does_not_cancel_what_its_listener_is_doing():
    kinds = []
    model = ScriptedModel(calls_tool("breaks", reasoning="I begin."), REFUSED)
    async for thought in stream_agent_execution("x", model=model, tools=[breaks]):
        await asyncio.sleep(0.01)  # the run fails meanwhile
        kinds.append(thought.type)
    assert kinds[-1] is ThoughtType.ERROR


async def test_a_stream_somebody_walked_away_from_leaves_nothing_running():
    before = asyncio.all_tasks()
    model = ScriptedModel(calls_tool("hangs", reasoning="I begin."))

    async for thought in stream_agent_execution("x", model=model, tools=[tool(effect="read")(hangs)]):
        if thought.type is ThoughtType.TOOL_CALL:
            break  # without closing it

    async with asyncio.timeout(5):
        while left := asyncio.all_tasks() - before:
            await asyncio.wait(left)
