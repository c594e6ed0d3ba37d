"""A run from its launch to its end."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import DataError, IntegrityError, OperationalError, transaction

from runs.agent.errors.model_exceptions import ModelFailure
from runs.agent.providers.scripted import ScriptedModel, answers, calls_tool, calls_tools
from runs.engine import control
from runs.engine.hosting.host import RunHost
from runs.models import Agent, Run, Step, ToolCall
from tests.engine.conftest import SWEEPS_OFTEN, ended, error_of, kinds_of, launch, reached, steps_of

pytestmark = pytest.mark.django_db(transaction=True)

StartHost = Callable[..., RunHost]


async def test_a_launched_run_is_worked_on_and_keeps_every_thought_in_order(ada: User, host_for: StartHost) -> None:
    host_for(ScriptedModel(calls_tool("calculator", reasoning="I multiply.", expression="17 * 23"), answers("391")))

    run = await ended(await launch(ada, "What is 17 * 23?"))

    assert (run.status, run.answer, run.owner) == ("completed", "391", None)
    steps = await steps_of(run)
    assert [step.kind for step in steps] == ["reasoning", "tool_call", "tool_result", "answer"]
    assert [step.sequence for step in steps] == [1, 2, 3, 4]
    assert steps[1].content == "calculator(expression='17 * 23')"
    assert (steps[2].content, steps[2].tool_output) == ("391", 391)
    assert run.steps_taken == 4
    assert run.ended_at is not None
    assert run.started_at is not None


async def test_calls_of_one_turn_run_together_and_each_has_its_row_and_result(ada: User, host_for: StartHost) -> None:
    model = ScriptedModel(
        calls_tools(("calculator", {"expression": "1 + 1"}), ("calculator", {"expression": "2 + 2"})), answers("2, 4")
    )
    host_for(model)

    run = await ended(await launch(ada))

    calls = [call async for call in ToolCall.objects.filter(run=run).order_by("index")]
    assert [(call.index, call.state, call.effect) for call in calls] == [
        (0, "succeeded", "pure"),
        (1, "succeeded", "pure"),
    ]
    assert [result.output for result in model.requests[1].turns[0].results] == [2, 4]


async def test_a_failing_tool_is_told_to_the_model_and_the_run_goes_on(ada: User, host_for: StartHost) -> None:
    model = ScriptedModel(calls_tool("calculator", expression="1 / 0"), calls_tool("no_such_tool"), answers("No."))
    host_for(model)

    run = await ended(await launch(ada))

    assert run.status == "completed"
    failed, unknown = (turn.results[0] for turn in model.requests[2].turns)
    assert failed.failed
    assert unknown.error is not None
    assert unknown.error.code == "unknown_tool"
    assert [step.severity != "" for step in await steps_of(run) if step.kind == "tool_result"] == [True, True]


async def test_each_failed_attempt_is_a_retry_step_and_the_run_waits_hosted(ada: User, host_for: StartHost) -> None:
    overloaded = ModelFailure("Overloaded.", kind="overloaded", provider="p", model="m", status=529, retry_after_s=0.2)
    host_for(ScriptedModel(overloaded, overloaded, answers("At last.")))

    launched = await launch(ada)
    waiting = await reached(launched, lambda row: row.status == "waiting")
    run = await ended(launched)

    assert waiting.waiting_for == "retry"
    assert waiting.owner is not None
    retries = [step for step in await steps_of(run) if step.kind == "retry"]
    assert [(step.attempt, step.max_attempts, step.metadata["status"]) for step in retries] == [
        (1, 3, 529),
        (2, 3, 529),
    ]
    assert all(step.metadata["next_at"] > step.ended_at.timestamp() for step in retries if step.ended_at)
    assert run.answer == "At last."


async def test_a_model_that_is_gone_fails_the_run_with_a_structured_error(ada: User, host_for: StartHost) -> None:
    refused = ModelFailure("Wrong key.", kind="auth", provider="p", model="m", status=401)
    host_for(ScriptedModel(refused))

    run = await ended(await launch(ada))

    assert run.status == "failed"
    assert "Wrong key." in error_of(run)["message"]
    assert run.severity in ("error", "critical")
    assert (await kinds_of(run))[-1] == "error"


async def test_a_bug_in_a_provider_fails_the_run_and_never_leaves_it_unfinished(ada: User, host_for: StartHost) -> None:
    host_for(ScriptedModel(ZeroDivisionError("a bug")))

    run = await ended(await launch(ada))

    assert (run.status, error_of(run)["code"], run.severity) == ("failed", "unexpected", "critical")


async def test_a_run_that_cannot_begin_because_the_database_is_away_begins_at_its_next_host(
    ada: User, host_for: StartHost
) -> None:
    begins_with(host_for, OperationalError("the server closed the connection"))

    run = await ended(await launch(ada))

    assert (run.status, run.answer, await kinds_of(run)) == ("completed", "Done.", ["answer"])


async def test_a_query_that_is_wrong_fails_the_run_instead_of_being_tried_for_ever(
    ada: User, host_for: StartHost
) -> None:
    begins_with(host_for, DataError("integer out of range"))

    run = await ended(await launch(ada))

    assert (run.status, error_of(run)["code"], run.severity) == ("failed", "unexpected", "critical")


def begins_with(host_for: StartHost, fault: Exception) -> None:
    """A host whose first start of a run raises the fault; the next one works."""
    faults = [fault]

    def provider_for(_: str) -> ScriptedModel:
        if faults:
            raise faults.pop()
        return ScriptedModel(answers("Done."))

    host = host_for(ScriptedModel())
    host.services = replace(host.services, provider_for=provider_for)


async def test_a_model_that_is_not_configured_fails_the_run_and_says_so(ada: User, transactional_db: None) -> None:
    host = RunHost(timings=SWEEPS_OFTEN)
    host.start(asyncio.get_running_loop())

    await Agent.objects.aupdate(launch_may_raise=["models"])
    run = await ended(await launch(ada, models=["nobody:nothing"]))
    await host.drain()

    assert run.status == "failed"
    assert "nobody:nothing" in error_of(run)["message"]


async def test_a_run_stops_at_its_turn_limit_before_the_model_is_asked_again(ada: User, host_for: StartHost) -> None:
    model = ScriptedModel(*[calls_tool("calculator", expression="1 + 1")] * 5)
    host_for(model)

    run = await ended(await launch(ada, max_turns=2))

    assert run.status == "failed"
    assert "2 of 2 turns" in error_of(run)["message"]
    assert len(model.requests) == 2


async def test_a_run_stops_at_its_time_limit_while_the_model_thinks(ada: User, host_for: StartHost) -> None:
    host_for(ScriptedModel(answers("Never."), pause=asyncio.Event()))

    run = await ended(await launch(ada, max_duration_s=1))

    assert run.status == "failed"
    assert error_of(run)["code"] == "limit_max_duration_s"
    assert 1000 <= run.active_ms < 5000


async def test_a_launch_that_is_rolled_back_leaves_no_run_and_wakes_nobody(ada: User, host_for: StartHost) -> None:
    host = host_for(ScriptedModel(answers("x")))

    def launch_and_fail() -> None:
        with transaction.atomic():
            control.launch(user=ada, task="x")
            raise RuntimeError("the page failed after the launch")

    with pytest.raises(RuntimeError):
        await sync_to_async(launch_and_fail)()

    await host.idle()
    assert await Run.objects.acount() == 0


async def test_a_hundred_runs_launched_at_once_all_complete_with_steps_numbered_without_gaps(
    ada: User, host_for: StartHost
) -> None:
    calls = [calls_tool("calculator", reasoning="On.", expression=f"2 ** {number}") for number in range(6, 11)]
    host_for(ScriptedModel(*calls, answers("1024")))

    runs = [await launch(ada) for _ in range(100)]
    for run in runs:
        assert (await ended(run)).status == "completed"

    for run in runs:
        assert [step.sequence for step in await steps_of(run)] == list(range(1, 17))


async def test_a_finished_run_may_not_have_an_owner(ada: User, transactional_db: None) -> None:
    run = await launch(ada)

    with pytest.raises(IntegrityError):
        await Run.objects.filter(pk=run.pk).aupdate(status="completed", owner="somebody")


async def test_steps_are_stored_before_anybody_is_told_of_them(ada: User, host_for: StartHost) -> None:
    host_for(ScriptedModel(calls_tool("calculator", expression="6 * 7"), answers("42")))

    run = await ended(await launch(ada))

    assert await Step.objects.filter(run=run).acount() == run.last_sequence
