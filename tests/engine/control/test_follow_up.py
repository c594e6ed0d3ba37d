"""Continuing a run: a new run whose model knows the conversation, with totals and calls of its own."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User

from runs.agent.errors.model_exceptions import ModelFailure
from runs.agent.messages import ModelReply
from runs.agent.providers.offline import OfflinePlanner
from runs.agent.providers.scripted import ScriptedModel, answers, calls_tool
from runs.agent.usage import Usage
from runs.engine import control
from runs.engine.hosting.host import RunHost
from runs.models import Run, ToolCall
from tests.engine.conftest import SWEEPS_OFTEN, ended, launch
from tests.engine.control.test_cancel import cancel
from tests.engine.gatekeeper import Gatekeeper, register

pytestmark = pytest.mark.django_db(transaction=True)

StartHost = Callable[..., RunHost]


async def follow_up(run: Run, by: User, message: str, **overrides: Any) -> Run:
    in_thread = sync_to_async(control.continue_run, thread_sensitive=False)
    return await in_thread(run.pk, by=by, message=message, overrides=overrides)


def a_tool() -> str:
    keeper = Gatekeeper()
    keeper.open.set()
    return register(keeper, "read")


async def test_a_follow_up_sees_the_task_the_results_and_the_answer_before_it(ada: User, host_for: StartHost) -> None:
    name = a_tool()
    first = ModelReply(calls=calls_tool(name).calls, usage=Usage(output_tokens=70))
    model = ScriptedModel(first, ModelReply(text="Let through.", replay={"kept": 1}))
    host_for(model)
    run = await ended(await launch(ada, "Wait for it.", max_turns=7))
    model._replies = [first, answers("Again.", tokens=5)]

    further = await ended(await follow_up(run, ada, "Once more."))

    (earlier,) = model.requests[-1].earlier
    assert (earlier.task, earlier.answer) == ("Wait for it.", ModelReply(text="Let through.", replay={"kept": 1}))
    assert [result.output for turn in earlier.turns for result in turn.results] == ["let through"]
    assert model.requests[-1].task == "Once more."
    assert (further.continues_id, further.answer, further.config) == (run.pk, "Again.", run.config)
    assert (run.tokens_used, further.tokens_used) == (70, 75)
    calls = [call async for call in ToolCall.objects.filter(tool_name=name)]
    assert len({call.call_id for call in calls}) == 2
    assert {call.run_id for call in calls} == {run.pk, further.pk}


async def test_a_follow_up_of_a_follow_up_sees_all_of_it_in_order(ada: User, host_for: StartHost) -> None:
    model = ScriptedModel(answers("Yes."))
    host_for(model)
    run = await ended(await launch(ada, "One?"))
    for message in ("Two?", "Three?"):
        run = await ended(await follow_up(run, ada, message))

    assert [(each.task, each.answer.text) for each in model.requests[-1].earlier if each.answer] == [
        ("One?", "Yes."),
        ("Two?", "Yes."),
    ]


async def test_a_failed_run_is_followed_up_and_its_model_told_why_there_was_no_answer(
    ada: User, host_for: StartHost
) -> None:
    refused = ModelFailure("No money.", kind="refused", provider="scripted", model="scripted", status=402)
    model = ScriptedModel(refused)
    host_for(model)
    run = await ended(await launch(ada))
    model._replies, model._failures_told = [answers("Fine.")], 0

    further = await ended(await follow_up(run, ada, "Try it in another way."))

    (earlier,) = model.requests[-1].earlier
    assert (run.status, further.status, earlier.answer) == ("failed", "completed", None)
    assert "No money." in earlier.ending


async def test_a_stopped_run_is_followed_up_with_the_calls_that_were_stopped(ada: User, host_for: StartHost) -> None:
    keeper = Gatekeeper()
    model = ScriptedModel(calls_tool(register(keeper, "unsafe")))
    host_for(model)
    run = await launch(ada)
    await keeper.entered.wait()
    await cancel(run, ada)
    await ended(run)
    model._replies = [answers("I see.")]

    await ended(await follow_up(run, ada, "What happened?"))

    (earlier,) = model.requests[-1].earlier
    ((result,),) = [turn.results for turn in earlier.turns]
    assert result.error is not None and "may or may not have happened" in result.error.message
    assert "stopped by a person" in earlier.ending


async def test_the_offline_planner_follows_its_own_answer_up(ada: User) -> None:
    host = RunHost(timings=SWEEPS_OFTEN)
    host.start(asyncio.get_running_loop())
    try:
        run = await ended(await launch(ada, "What is 17 * 23?"))
        further = await ended(await follow_up(run, ada, "add 10 to it"))
    finally:
        await host.drain()

    assert further.answer == "`391 + 10` = **401**"


async def test_a_follow_up_of_a_run_that_could_not_do_it_begins_afresh(ada: User, host_for: StartHost) -> None:
    host_for(OfflinePlanner())
    refused = await ended(await launch(ada, "Plan a trip to Lisbon"))

    run = await ended(await follow_up(refused, ada, "What is 17 * 23?"))
    again = await ended(await Run.objects.aget(pk=(await sync_to_async(control.run_again)(refused.pk, by=ada)).pk))

    assert (refused.status, refused.could_not) == ("completed", True)
    assert (run.could_not, again.could_not) == (False, True)


async def test_a_run_that_goes_on_cannot_be_followed_up(ada: User) -> None:
    run = await launch(ada)

    with pytest.raises(control.NotFinished):
        await follow_up(run, ada, "And?")
    with pytest.raises(ValueError, match="needs a message"):
        await follow_up(run, ada, "  ")

    assert await Run.objects.acount() == 1
