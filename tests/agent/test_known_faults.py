"""The known faults of each pattern are not in ours: tools together, timeouts, races, retries, errors."""

import asyncio
import socket
from itertools import pairwise
from typing import Any

import pytest

from runs.agent import (
    AgentStatus,
    AgentThought,
    ErrorSeverity,
    RetryPolicy,
    RunLimits,
    ThoughtType,
    Toolbox,
    agent_execution,
    async_retry,
    call_first_to_respond,
    execute_tools_parallel,
    handle_agent_error,
    run_agent,
    tool,
)
from runs.agent.providers.scripted import ScriptedModel, answers
from tests.agent.failing_tools import DOWN, REFUSED, breaks, hangs, works
from tests.agent.virtual_time import run_and_time

pytestmark = pytest.mark.usefixtures("own_registry")


# Tools together


async def test_a_failing_tool_does_not_lose_the_results_of_the_others():
    box = Toolbox({"one": works, "two": breaks, "three": works})
    results = await execute_tools_parallel([("one", {}), ("two", {}), ("three", {})], toolbox=box)

    assert [each["result"] for each in results] == ["worked", None, "worked"]
    assert [each["error"] is None for each in results] == [True, False, True]


def test_a_hanging_tool_delays_no_other_and_ends_at_its_own_deadline():
    box = Toolbox([tool(effect="read", timeout_s=5)(hangs), tool(effect="read")(works)])
    results, seconds = run_and_time(execute_tools_parallel([("hangs", {}), ("works", {})], toolbox=box))

    assert [each["result"] for each in results] == [None, "worked"]
    assert seconds == 5


# Timeouts


def test_a_tool_out_of_time_that_may_have_taken_effect_is_unknown_and_not_to_be_done_again():
    sent = []

    async def send_mail() -> str:
        """Send, and wait for a confirmation that never comes."""
        sent.append("mail")
        await asyncio.Event().wait()
        return "sent"

    box = Toolbox([tool(effect="unsafe", timeout_s=1)(send_mail)])
    (result,), _ = run_and_time(execute_tools_parallel([("send_mail", {})], toolbox=box))

    error = result["error"]
    assert sent == ["mail"]
    assert error is not None
    assert (error.code, error.recoverable) == ("outcome_unknown", False)
    assert error.suggested_action == "Check whether it happened before it is done again"


async def test_a_timeout_around_a_run_does_not_leave_it_completed():
    async def outer_timeout(scope: Any) -> AgentStatus:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01), scope as state:
                await asyncio.Event().wait()
        status: AgentStatus = state.status
        return status

    assert await outer_timeout(agent_execution("x")) is AgentStatus.CANCELLED


# Races


def test_a_provider_that_fails_fast_does_not_win_the_race():
    async def down() -> str:
        await asyncio.sleep(0.1)
        raise ConnectionError("down")

    async def slow() -> str:
        await asyncio.sleep(0.5)
        return "answer"

    assert run_and_time(call_first_to_respond(down(), slow())) == (("answer", 1), 0.5)


async def test_the_losers_of_a_race_have_ended_when_it_returns():
    open_connections = set()

    async def loser() -> str:
        open_connections.add("loser")
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)  # closing a connection takes a moment
            open_connections.clear()
        return "never"

    async def winner() -> str:
        await asyncio.sleep(0)
        return "won"

    assert await call_first_to_respond(loser(), winner()) == ("won", 1)
    assert open_connections == set()


async def test_everybody_sees_who_raced_how_it_ended_for_them_and_that_it_took_two_requests():
    class Slow(ScriptedModel):
        name = "slow"

        async def reply(self, request: Any, **options: Any) -> Any:
            await asyncio.Event().wait()

    thoughts: list[AgentThought] = []
    models = [Slow(), ScriptedModel(answers("Here.", tokens=7))]
    result = await run_agent("x", model=models, strategy="race", report=thoughts.append)

    assert result.output == "Here."
    _start, race = [each for each in thoughts if each.type is ThoughtType.RACE]
    assert race.metadata["multiple"] == 2
    slow, winner = race.metadata["lanes"]
    assert (slow["provider"], slow["outcome"] == "won", slow["tokens"]) == ("slow", False, None)  # unknown, not 0
    assert (winner["provider"], winner["outcome"], winner["tokens"]) == ("scripted", "won", 7)
    assert slow["ended_at"] >= slow["started_at"]


# Retries


async def test_what_would_only_fail_again_is_not_tried_again(monkeypatch):
    slept = _no_waiting(monkeypatch)

    async def attempts_at(decorator: Any) -> int:
        calls = []

        @decorator
        async def refuses() -> None:
            calls.append(1)
            raise ValueError("wrong for ever")

        with pytest.raises(ValueError, match="wrong for ever"):
            await refuses()
        return len(calls)

    assert await attempts_at(async_retry(max_attempts=3)) == 1
    assert slept == []


async def test_those_who_failed_together_do_not_come_back_together(monkeypatch):
    slept = _no_waiting(monkeypatch)

    async def waits_of(decorator: Any) -> list[float]:
        slept.clear()

        @decorator
        async def down() -> None:
            raise ConnectionError

        for _ in range(50):
            with pytest.raises(ConnectionError):
                await down()
        return list(slept)

    ours = await waits_of(async_retry(max_attempts=3))
    assert len(set(ours)) == 100
    assert max(ours[0::2]) <= 1
    assert max(ours[1::2]) <= 2
    assert min(ours) < 0.25


async def test_standard_output_belongs_to_the_program_not_to_its_retries(monkeypatch, capsys, caplog):
    _no_waiting(monkeypatch)

    async def said_by(decorator: Any) -> str:
        outcomes = [ConnectionError("down"), None]

        @decorator
        async def flaky() -> None:
            if (error := outcomes.pop(0)) is not None:
                raise error

        await flaky()
        return str(capsys.readouterr().out)

    assert await said_by(async_retry()) == ""
    assert "Attempt 1 of" in caplog.text


def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    return slept


# Errors


def test_no_branch_of_the_error_table_is_dead():
    """Since Python 3.11 both timeouts are one class, so errors of the dead branch fall through to the last one."""
    asked_for_an_address = socket.gaierror(-2, "Name or service not known")

    assert handle_agent_error(asyncio.TimeoutError(), {}).code == "timeout"  # noqa: UP041 - the other name of it
    ours = handle_agent_error(asked_for_an_address, {})
    assert (ours.code, ours.severity, ours.recoverable) == ("network", ErrorSeverity.ERROR, True)


async def test_whether_an_error_is_recoverable_decides_what_is_done_about_it():
    async def attempts_at(*said: Any) -> list[AgentThought]:
        thoughts: list[AgentThought] = []
        model = ScriptedModel(*said)
        await run_agent("x", model=model, retry=RetryPolicy(base_s=0), report=thoughts.append)
        return [each for each in thoughts if each.type is ThoughtType.RETRY]

    recovered = await attempts_at(DOWN, answers("Here."))
    refused = await attempts_at(REFUSED)

    assert [each.metadata["recoverable"] for each in recovered] == [True]
    assert [(each.metadata["recoverable"], each.metadata["wait_s"]) for each in refused] == [(False, None)]


def test_a_run_waits_longer_for_its_next_attempt_each_time_and_no_longer_than_it_may():
    """The bounds are those of the policy; the waits in between are random."""
    waits: list[float] = []

    def note(thought: AgentThought) -> None:
        if thought.type is ThoughtType.RETRY and thought.metadata["wait_s"] is not None:
            waits.append(thought.metadata["wait_s"])

    policy = RetryPolicy(max_attempts=6, base_s=1, cap_s=4)
    model = ScriptedModel(*[DOWN] * 6)
    result, seconds = run_and_time(run_agent("x", model=model, retry=policy, limits=RunLimits(), report=note))

    assert not result.success
    assert len(waits) == 5
    assert all(wait <= bound for wait, bound in zip(waits, [1, 2, 4, 4, 4], strict=True))
    assert seconds == pytest.approx(sum(waits), abs=0.01)
    assert all(first != second for first, second in pairwise(waits))
