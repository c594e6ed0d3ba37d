"""How a host releases a run: in a drain, after a crash, for a person, after a stop that its last host missed."""

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import replace

import pytest
from django.contrib.auth.models import User

from runs.agent.providers.scripted import ScriptedModel, answers, calls_tool
from runs.agent.tools.person_questions import PersonAsked, PersonQuestion
from runs.agent.tools.registry import tool
from runs.engine.hosting.host import RunHost
from runs.models import Run, ToolCall
from tests.engine.conftest import SOON_S, SWEEPS_OFTEN, ended, kinds_of, launch, reached, steps_of
from tests.engine.control.test_cancel import cancel
from tests.engine.gatekeeper import Gatekeeper, orphan, register

pytestmark = pytest.mark.django_db(transaction=True)

StartHost = Callable[..., RunHost]


async def test_a_drained_run_is_queued_again_and_the_next_host_finishes_it(ada: User, host_for: StartHost) -> None:
    pause = asyncio.Event()
    model = ScriptedModel(calls_tool("calculator", expression="1 + 1"), answers("2"))
    asked = ScriptedModel(calls_tool("calculator", expression="1 + 1"), answers("Never."), pause=pause)
    first = host_for(asked)
    run = await launch(ada)
    await reached(run, lambda _: bool(asked.requests))

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


async def test_a_run_that_parks_in_a_drain_has_left_at_once(ada: User, host_for: StartHost) -> None:
    keeper = Gatekeeper()
    name = f"asks_{uuid.uuid4().hex[:8]}"

    @tool(name=name, description="Asks a person after a while.", effect="read")
    async def ask_later() -> str:
        await keeper.wait()
        raise PersonAsked(PersonQuestion(text="Which one?"))

    host = host_for(ScriptedModel(calls_tool(name)), replace(SWEEPS_OFTEN, suspend_grace_s=600, drain_limit_s=600))
    run = await launch(ada)
    await keeper.entered.wait()

    draining = asyncio.create_task(host.drain())
    await asyncio.sleep(0)  # The runs are asked to leave in the first step of a drain.
    keeper.open.set()
    async with asyncio.timeout(SOON_S):
        await draining

    row = await Run.objects.aget(pk=run.pk)
    assert (row.status, row.waiting_for, row.owner) == ("waiting", "answer", None)


async def test_a_stop_is_heard_while_a_host_waits_for_the_calls_of_its_runs(ada: User, host_for: StartHost) -> None:
    keeper = Gatekeeper()
    patient = replace(SWEEPS_OFTEN, suspend_grace_s=600, drain_limit_s=600)
    host = host_for(ScriptedModel(calls_tool(register(keeper, "read"))), patient)
    run = await launch(ada)
    await keeper.entered.wait()

    draining = asyncio.create_task(host.drain())
    await asyncio.sleep(0)  # The runs are asked to leave in the first step of a drain.
    host.tell(run.pk, "run.cancel")
    async with asyncio.timeout(SOON_S):
        await draining

    assert (await Run.objects.aget(pk=run.pk)).status == "cancelled"


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
