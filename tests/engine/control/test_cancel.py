"""Stopping a run, and releasing it: on request, after a crash, in a drain."""

import asyncio
import contextlib
import uuid
from collections.abc import Awaitable, Callable

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User

from runs.agent.messages import Delta, ModelReply, ModelRequest, OnDelta
from runs.agent.providers.scripted import ScriptedModel, answers, calls_tool
from runs.agent.tools.protocol import Effect
from runs.agent.tools.registry import tool
from runs.engine import control
from runs.engine.hosting.host import RunHost
from runs.models import Run, ToolCall
from tests.engine.conftest import ended, error_of, kinds_of, launch, reached, steps_of

pytestmark = pytest.mark.django_db(transaction=True)

StartHost = Callable[..., RunHost]


class Gatekeeper:
    """A tool whose calls wait until they are let through."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.open = asyncio.Event()
        self.calls = 0

    async def wait(self) -> str:
        self.calls += 1
        self.entered.set()
        await self.open.wait()
        return "let through"


def register(keeper: Gatekeeper, effect: Effect) -> str:
    """The name of a tool registered for this test."""
    name = f"wait_{uuid.uuid4().hex[:8]}"

    tool(name=name, description="Waits.", effect=effect)(keeper.wait)
    return name


async def cancel(run: Run, by: User) -> str:
    return await sync_to_async(control.cancel, thread_sensitive=False)(run.pk, by=by)


async def orphan(run: Run, **columns: object) -> None:
    """Put the run into the state that a dead host leaves."""
    await Run.objects.filter(pk=run.pk).aupdate(owner="host-that-died", status="executing", **columns)


async def test_stopping_a_queued_run_cancels_it_at_once(ada: User) -> None:
    run = await launch(ada)

    assert await cancel(run, ada) == "cancelled"

    row = await ended(run)
    assert row.status == "cancelled"
    assert await kinds_of(run) == ["note"]
    assert await cancel(run, ada) == "already_ended"


async def test_stopping_a_run_inside_a_model_call_ends_it_cancelled(ada: User, host_for: StartHost) -> None:
    host_for(ScriptedModel(answers("Never."), pause=asyncio.Event()))
    run = await launch(ada)
    await reached(run, lambda row: row.owner is not None)

    assert await cancel(run, ada) == "asked"
    row = await ended(run)

    assert (row.status, row.owner, row.answer) == ("cancelled", None, "")
    assert [step.metadata["note"] for step in await steps_of(run)] == ["cancel_asked", "cancelled"]


async def test_asking_twice_to_stop_is_the_same_as_asking_once(ada: User, host_for: StartHost) -> None:
    host_for(ScriptedModel(answers("Never."), pause=asyncio.Event()))
    run = await launch(ada)
    await reached(run, lambda row: row.owner is not None)

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


async def test_a_drained_run_is_queued_again_and_the_next_host_finishes_it(ada: User, host_for: StartHost) -> None:
    pause = asyncio.Event()
    model = ScriptedModel(calls_tool("calculator", expression="1 + 1"), answers("2"))
    first = host_for(ScriptedModel(calls_tool("calculator", expression="1 + 1"), answers("Never."), pause=pause))
    run = await launch(ada)
    await reached(run, lambda row: row.owner is not None)

    await first.drain()
    drained = await Run.objects.aget(pk=run.pk)
    host_for(model)
    row = await ended(run)

    assert (drained.status, drained.owner) == ("idle", None)
    assert (row.status, row.answer, row.epoch) == ("completed", "2", 2)
    assert await kinds_of(run) == ["note", "note", "tool_call", "tool_result", "answer"]


async def test_a_call_in_flight_may_end_and_be_recorded_before_its_host_leaves(ada: User, host_for: StartHost) -> None:
    keeper = Gatekeeper()
    host = host_for(
        ScriptedModel(
            calls_tool(register(keeper, "unsafe")),
            answers("Never."),
        )
    )
    run = await launch(ada)
    await keeper.entered.wait()

    draining = asyncio.create_task(host.drain())
    keeper.open.set()
    await draining

    call = await ToolCall.objects.aget(run=run)
    assert call.state == "succeeded"
    assert (await Run.objects.aget(pk=run.pk)).status in ("idle", "completed")


async def test_an_orphaned_run_goes_on_and_never_repeats_a_call_whose_result_was_recorded(
    ada: User, host_for: StartHost
) -> None:
    keeper = Gatekeeper()
    keeper.open.set()
    name = register(keeper, "unsafe")
    host = host_for(
        ScriptedModel(calls_tool(name), calls_tool(name), answers("Twice."), pause=(pause := asyncio.Event()))
    )
    run = await launch(ada)
    pause.set()
    await ended(run)
    await host.drain()
    # As if the host had died right after the first turn.
    await run.steps.filter(sequence__gt=2).adelete()
    await ToolCall.objects.filter(run=run, turn=2).adelete()
    await orphan(run, next_sequence=3, answer="", ended_at=None)
    keeper.calls = 0

    host_for(ScriptedModel(calls_tool(name), calls_tool(name), answers("Twice.")))
    row = await ended(run)

    assert row.answer == "Twice."
    assert keeper.calls == 1
    assert [step.sequence for step in await steps_of(run)] == list(range(1, row.next_sequence))
    epochs = [step.epoch for step in await steps_of(run)]
    assert epochs == sorted(epochs)


async def test_an_unsafe_call_without_a_recorded_result_parks_the_run_for_a_person(
    ada: User, host_for: StartHost
) -> None:
    keeper = Gatekeeper()
    name = register(keeper, "unsafe")
    first = host_for(ScriptedModel(calls_tool(name)))
    run = await launch(ada)
    await keeper.entered.wait()
    row = await Run.objects.aget(pk=run.pk)
    first.id = "somebody-else"  # From here on the first host is a zombie: the next one takes the run from it.

    host_for(ScriptedModel(calls_tool(name)))
    parked = await reached(row, lambda row: row.waiting_for == "decision")
    keeper.open.set()

    assert (parked.status, parked.owner) == ("waiting", None)
    assert (await ToolCall.objects.aget(run=run)).state == "unknown"
    assert keeper.calls == 1
    assert await cancel(run, ada) == "cancelled"


async def test_a_run_that_kills_its_host_three_times_is_ended_as_poison(ada: User, host_for: StartHost) -> None:
    run = await launch(ada)
    await orphan(run, crashes=2, epoch=3)

    host_for(ScriptedModel(answers("Never.")))
    row = await ended(run)

    assert (row.status, error_of(row)["code"], row.severity) == ("failed", "poison", "critical")


async def test_a_run_asked_to_stop_before_its_host_died_is_cancelled_by_the_next_claim(
    ada: User, host_for: StartHost
) -> None:
    run = await launch(ada)
    await orphan(run, cancel_requested_at=run.created_at, epoch=1)

    host_for(ScriptedModel(answers("Never.")))

    assert (await ended(run)).status == "cancelled"


async def test_a_run_submitted_many_times_is_claimed_once(ada: User, host_for: StartHost) -> None:
    model = ScriptedModel(answers("Once."))
    host = host_for(model)
    run = await launch(ada)

    for _ in range(5):
        host.submit(run.pk)
    row = await ended(run)
    await host.idle()

    assert (row.status, row.epoch) == ("completed", 1)
    assert len(model.requests) == 1


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
