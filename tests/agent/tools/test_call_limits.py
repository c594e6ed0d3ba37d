"""How many calls of a tool are made at once, and in a minute."""

import asyncio
from typing import Any

import pytest

from runs.agent.tools.call_attempt import call_tool
from runs.agent.tools.call_limits import CallRate
from runs.agent.tools.function_tool import FunctionTool


class Gate:
    """Counts the calls that are in it, until it opens. It is full with `room` of them."""

    def __init__(self, room: int = 1) -> None:
        self.room = room
        self.inside = self.most = 0
        self.is_full, self.is_open = asyncio.Event(), asyncio.Event()

    async def enter(self) -> str:
        self.inside += 1
        self.most = max(self.most, self.inside)
        if self.inside == self.room:
            self.is_full.set()
        try:
            await self.is_open.wait()
        finally:
            self.inside -= 1
        return "through"


async def test_calls_beyond_the_limit_wait_and_all_are_made() -> None:
    gate = Gate(room=2)
    tool = FunctionTool(gate.enter, effect="read", concurrency=2)

    async with asyncio.TaskGroup() as group:
        calls = [group.create_task(call_tool(tool, {}, timeout_s=60)) for _ in range(7)]
        await gate.is_full.wait()
        gate.is_open.set()

    assert [call.result()[0] for call in calls] == ["through"] * 7
    assert gate.most == 2


@pytest.mark.parametrize("effect", ["read", "unsafe"])
async def test_a_call_that_cannot_begin_in_time_was_not_made_and_says_so(effect: Any) -> None:
    gate = Gate()
    tool = FunctionTool(gate.enter, name="gate", effect=effect, concurrency=1)
    first = asyncio.create_task(call_tool(tool, {}, timeout_s=60))
    await gate.is_full.wait()

    output, error, _ = await call_tool(tool, {}, timeout_s=0.1)

    gate.is_open.set()
    assert (await first)[0] == "through"
    assert output is None
    assert error is not None
    assert error.code == "tool_unavailable"
    assert error.recoverable
    assert "gate is busy: its limit of calls at once is 1" in error.message
    assert (await call_tool(tool, {}, timeout_s=60))[0] == "through"


async def test_a_cancelled_call_gives_its_place_to_the_next() -> None:
    gate = Gate()
    tool = FunctionTool(gate.enter, effect="read", concurrency=1)
    first, second = [asyncio.create_task(call_tool(tool, {}, timeout_s=60)) for _ in range(2)]
    await gate.is_full.wait()

    first.cancel()
    await asyncio.wait([first])
    gate.is_open.set()

    assert (await second)[0] == "through"


async def test_the_calls_of_a_minute_are_counted_and_further_ones_refused_at_once() -> None:
    tool = FunctionTool(lambda: 1, name="often", effect="read", parameters={"type": "object"}, rate=2)

    results = [await call_tool(tool, {}, timeout_s=10) for _ in range(3)]

    assert [output for output, _error, _s in results] == [1, 1, None]
    error = results[2][1]
    assert error is not None
    assert error.code == "tool_unavailable"
    assert "its limit of calls in a minute is 2" in error.message


def test_a_place_of_a_minute_becomes_free_after_a_minute() -> None:
    now = 100.0
    rate = CallRate(2, clock=lambda: now)

    assert [rate.reserve(0), rate.reserve(0)] == [0, 0]
    now = 130.0
    assert rate.reserve(29) == 30  # not reserved
    assert rate.reserve(30) == 30
    assert rate.reserve(60) == 30  # the second place
    assert rate.reserve(60) == 90  # after those
    now = 190.0
    assert rate.reserve(60) == 30


@pytest.mark.parametrize("limits", [{"concurrency": 0}, {"rate": -1}])
def test_a_limit_is_at_least_one(limits: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be at least 1"):
        FunctionTool(lambda: 1, name="none", parameters={"type": "object"}, **limits)
