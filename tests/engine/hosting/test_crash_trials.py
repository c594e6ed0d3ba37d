"""A run that was lost twice in a row is tried again with care: processes may die for other reasons than the run."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest
from django.contrib.auth.models import User

from runs.agent.messages import ModelReply, ModelRequest, OnDelta
from runs.agent.providers.scripted import ScriptedModel, answers, calls_tool
from runs.engine.hosting.host import RunHost
from runs.models import Run, ToolCall
from tests.engine.conftest import SWEEPS_OFTEN, ended, launch, reached
from tests.engine.gatekeeper import Gatekeeper, orphan, register

pytestmark = pytest.mark.django_db(transaction=True)

StartHost = Callable[..., RunHost]
YOUNG = replace(SWEEPS_OFTEN, trial_after_s=600, second_trial_after_s=600)
"""A host that has not lived long enough for a trial."""


async def test_a_run_is_not_ended_by_a_process_that_is_killed_again_and_again_whatever_it_hosts(
    ada: User, host_for: StartHost
) -> None:
    slow = asyncio.Event()
    run = await launch(ada)

    for number in range(10):
        host = host_for(ScriptedModel(answers("Never."), pause=slow), YOUNG)
        other = await launch(ada)
        for each in (run, other) if number < 2 else (other,):
            await reached(each, lambda row, host=host: row.owner == host.id)  # type: ignore[misc]
        host.id, host.capacity = "host-that-died", 0
    lost = await Run.objects.aget(pk=run.pk)
    host_for(ScriptedModel(answers("Done.")))
    ends = [(await ended(each)).status async for each in Run.objects.all()]
    slow.set()

    assert (lost.epoch, lost.crashes) == (2, 1)
    assert ends == ["completed"] * 11


async def test_a_run_that_was_lost_in_a_trial_waits_longer_for_the_next(ada: User, host_for: StartHost) -> None:
    tried, lost_again = [await launch(ada) for _ in range(2)]
    await orphan(tried, crashes=1, epoch=2)
    await orphan(lost_again, crashes=2, epoch=3)

    host_for(ScriptedModel(answers("Done.")), replace(YOUNG, trial_after_s=0))
    passed = await ended(tried)
    waits = await Run.objects.aget(pk=lost_again.pk)

    assert (passed.status, passed.crashes) == ("completed", 0)
    assert (waits.owner, waits.crashes) == ("host-that-died", 2)


class RepliesOnDemand(ScriptedModel):
    """Each reply waits until one more may come."""

    def __init__(self) -> None:
        super().__init__(answers("Done."))
        self.may_come = asyncio.Semaphore(0)

    async def reply(self, request: ModelRequest, *, on_delta: OnDelta | None = None) -> ModelReply:
        await self.may_come.acquire()
        return await super().reply(request, on_delta=on_delta)


async def test_each_run_that_makes_progress_lets_one_more_be_tried_at_a_time(ada: User, host_for: StartHost) -> None:
    lost = [await launch(ada) for _ in range(4)]
    for run in lost:
        await orphan(run, crashes=1, epoch=2)
    model = RepliesOnDemand()

    host = host_for(model)
    await reached(lost[0], lambda row: row.owner == host.id)
    first = {row.pk async for row in Run.objects.filter(owner=host.id)}
    model.may_come.release()
    await reached(lost[2], lambda row: row.owner == host.id)
    then = {row.pk async for row in Run.objects.filter(owner=host.id)}
    for _ in lost:
        model.may_come.release()

    assert first == {lost[0].pk}
    assert then == {lost[1].pk, lost[2].pk}
    assert {(await ended(run)).status for run in lost} == {"completed"}


async def test_a_run_that_is_tried_for_long_keeps_the_others_waiting_no_longer(ada: User, host_for: StartHost) -> None:
    lost = [await launch(ada) for _ in range(2)]
    for run in lost:
        await orphan(run, crashes=1, epoch=2)
    model = RepliesOnDemand()

    host = host_for(model, replace(SWEEPS_OFTEN, trial_lasts_s=0.1))
    await reached(lost[1], lambda row: row.owner == host.id)
    first = await Run.objects.aget(pk=lost[0].pk)
    for _ in lost:
        model.may_come.release()

    assert (first.owner, first.crashes) == (host.id, 2)
    assert {(await ended(run)).status for run in lost} == {"completed"}


@pytest.mark.parametrize(("epoch", "crashes"), [(2, 2), (3, 1)], ids=["begun", "not_begun"])
async def test_the_loss_of_a_run_that_had_only_been_claimed_is_no_crash(
    ada: User, host_for: StartHost, epoch: int, crashes: int
) -> None:
    run = await launch(ada)
    await orphan(run, crashes=1, epoch=2)
    await Run.objects.filter(pk=run.pk).aupdate(epoch=epoch)

    host = host_for(ScriptedModel(answers("Done."), pause=(goes_on := asyncio.Event())))
    claimed = await reached(run, lambda row: row.owner == host.id)
    goes_on.set()

    assert claimed.crashes == crashes
    assert (await ended(run)).status == "completed"


@pytest.mark.parametrize(("state", "crashes"), [("started", 1), ("proposed", 0)])
async def test_the_loss_of_a_run_that_slept_until_its_next_attempt_is_no_crash(
    ada: User, host_for: StartHost, state: str, crashes: int
) -> None:
    keeper = Gatekeeper()
    name = register(keeper, "read")
    dead = host_for(ScriptedModel(calls_tool(name), answers("Done.")))
    run = await launch(ada)
    await keeper.entered.wait()
    dead.id, dead.capacity = "host-that-died", 0
    await ToolCall.objects.filter(run=run).aupdate(state=state)
    await orphan(run, status="waiting", waiting_for="retry")

    host = host_for(ScriptedModel(calls_tool(name), answers("Done.")))
    claimed = await reached(run, lambda row: row.owner == host.id)
    keeper.open.set()

    assert claimed.crashes == crashes
    assert (await ended(run)).status == "completed"


async def test_a_run_that_parks_has_come_through(ada: User, host_for: StartHost) -> None:
    dead = host_for(ScriptedModel(calls_tool("ask_person", question="Which one?"), answers("Done.")))
    run = await reached(await launch(ada), lambda row: row.waiting_for == "answer")
    dead.capacity = 0
    await orphan(run, crashes=1, waiting_for="")

    host_for(ScriptedModel(calls_tool("ask_person", question="Which one?"), answers("Done.")))
    parked = await reached(run, lambda row: row.waiting_for == "answer")

    assert (parked.owner, parked.crashes, parked.epoch) == (None, 0, 2)
