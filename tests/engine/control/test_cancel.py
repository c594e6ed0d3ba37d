"""Stopping a run on request."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.utils import timezone

from runs.agent.messages import Delta, ModelReply, ModelRequest, OnDelta
from runs.agent.providers.scripted import ScriptedModel, answers, calls_tool
from runs.engine import control
from runs.engine.hosting.host import RunHost
from runs.models import Agent, Run, ToolCall
from tests.engine.conftest import SWEEPS_OFTEN, ended, kinds_of, launch, reached, steps_of
from tests.engine.gatekeeper import Gatekeeper, register

pytestmark = pytest.mark.django_db(transaction=True)

StartHost = Callable[..., RunHost]


async def cancel(run: Run, by: User) -> str:
    return await sync_to_async(control.cancel, thread_sensitive=False)(run.pk, by=by)


async def test_stopping_a_queued_run_cancels_it_at_once(ada: User) -> None:
    run = await launch(ada)

    assert await cancel(run, ada) == "cancelled"

    row = await ended(run)
    assert row.status == "cancelled"
    assert await kinds_of(run) == ["note"]
    assert await cancel(run, ada) == "already_ended"


async def test_stopping_a_run_inside_a_model_call_ends_it_cancelled(ada: User, host_for: StartHost) -> None:
    model = ScriptedModel(answers("Never."), pause=asyncio.Event())
    host_for(model)
    run = await launch(ada)
    await reached(run, lambda _: bool(model.requests))

    assert await cancel(run, ada) == "asked"
    row = await ended(run)

    assert (row.status, row.owner, row.answer) == ("cancelled", None, "")
    assert [step.metadata["note"] for step in await steps_of(run)] == ["cancel_asked", "cancelled"]


class StopsItsRun(ScriptedModel):
    """A model during whose reply somebody asks to stop the run, of which its host does not hear."""

    async def reply(self, request: ModelRequest, *, on_delta: OnDelta | None = None) -> ModelReply:
        await Run.objects.aupdate(cancel_requested_at=timezone.now())
        return await super().reply(request, on_delta=on_delta)


@pytest.mark.parametrize("waits_for", ["approval", "answer"])
async def test_a_stop_that_comes_while_the_run_is_parked_ends_it_without_waiting_for_the_sweep(
    ada: User, assistant: Agent, host_for: StartHost, waits_for: str
) -> None:
    if waits_for == "approval":
        await Agent.objects.filter(pk=assistant.pk).aupdate(approval="always")
        call = calls_tool("calculator", expression="1 + 1")
    else:
        call = calls_tool("ask_person", question="Which one?")
    host_for(StopsItsRun(call, answers("Never.")), replace(SWEEPS_OFTEN, sweep_every_s=600))

    run = await reached(await launch(ada), lambda row: row.is_finished)

    assert (run.status, run.owner) == ("cancelled", None)


async def test_a_stop_that_comes_during_a_pause_ends_the_run_without_waiting_for_the_sweep(
    ada: User, host_for: StartHost
) -> None:
    call = calls_tool("calculator", expression="1 + 1")
    model = StopsItsRun(call, answers("Never."), pause=(goes_on := asyncio.Event()))
    host_for(model, replace(SWEEPS_OFTEN, sweep_every_s=600))
    run = await reached(await launch(ada), lambda row: row.cancel_requested_at is not None)
    await Run.objects.aupdate(cancel_requested_at=None)
    await sync_to_async(control.pause, thread_sensitive=False)(run.pk, by=ada)
    await Run.objects.aupdate(cancel_requested_at=timezone.now())
    goes_on.set()

    run = await reached(run, lambda row: row.is_finished)

    assert (run.status, run.owner) == ("cancelled", None)


async def test_asking_twice_to_stop_is_the_same_as_asking_once(ada: User, host_for: StartHost) -> None:
    model = ScriptedModel(answers("Never."), pause=asyncio.Event())
    host_for(model)
    run = await launch(ada)
    await reached(run, lambda _: bool(model.requests))

    assert await cancel(run, ada) == "asked"
    await cancel(run, ada)
    await ended(run)

    assert [step.metadata["note"] for step in await steps_of(run)] == ["cancel_asked", "cancelled"]


async def test_a_call_stopped_with_its_run_has_a_result_that_says_so(ada: User, host_for: StartHost) -> None:
    keeper = Gatekeeper()
    host_for(ScriptedModel(calls_tool(register(keeper, "read"))))
    run = await launch(ada)
    await keeper.entered.wait()

    await cancel(run, ada)
    await ended(run)

    assert (await kinds_of(run))[-2:] == ["tool_result", "note"]
    call = await ToolCall.objects.aget(run=run)
    assert call.state == "failed"


async def test_a_reply_stopped_in_the_middle_has_cost_something_nobody_knows(ada: User, host_for: StartHost) -> None:
    speaking = asyncio.Event()

    class SpeaksForEver(ScriptedModel):
        async def reply(self, request: ModelRequest, *, on_delta: OnDelta | None = None) -> ModelReply:
            assert on_delta is not None
            on_delta(Delta("I am "))
            speaking.set()
            await asyncio.Event().wait()
            return answers("never done.")

    host_for(SpeaksForEver())
    run = await launch(ada)
    await speaking.wait()

    await cancel(run, ada)

    row = await ended(run)
    assert (row.status, row.cost, row.cost_is_partial) == ("cancelled", None, True)


async def test_an_unsafe_call_stopped_while_it_ran_is_unknown_and_not_failed(ada: User, host_for: StartHost) -> None:
    keeper = Gatekeeper()
    host_for(ScriptedModel(calls_tool(register(keeper, "unsafe"))))
    run = await launch(ada)
    await keeper.entered.wait()

    await cancel(run, ada)

    assert (await ended(run)).status == "cancelled"
    assert (await ToolCall.objects.aget(run=run)).state == "unknown"


async def _swallow() -> None:
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.Event().wait()


async def _fail() -> None:
    try:
        await asyncio.Event().wait()
    finally:
        raise ConnectionResetError("the connection could not be closed")


@pytest.mark.parametrize("lose", [_swallow, _fail])
async def test_a_run_whose_provider_loses_the_stop_asks_it_no_more(
    ada: User, host_for: StartHost, lose: Callable[[], Awaitable[None]]
) -> None:
    class Loses:
        name, model = "careless", "model"

        def __init__(self) -> None:
            self.asked, self.begun = 0, asyncio.Event()

        async def reply(self, _request: ModelRequest, *, on_delta: OnDelta | None = None) -> ModelReply:
            self.asked += 1
            self.begun.set()
            await lose()
            return calls_tool("current_time")

    provider = Loses()
    host_for(provider)
    run = await launch(ada)
    async with asyncio.timeout(10):
        await provider.begun.wait()

    assert await cancel(run, ada) == "asked"

    assert (await ended(run)).status == "cancelled"
    assert provider.asked == 1
