"""Recovery: what a crash, a lost write or a stop at the wrong moment must not do to a run."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError

from runs import doorbell
from runs.agent.budget.budget import Budget
from runs.agent.messages import ModelReply
from runs.agent.providers.scripted import ScriptedModel, answers, calls_tool, calls_tools
from runs.agent.run_limits import RunLimits
from runs.engine.hosting.host import RunHost
from runs.engine.hosting.sweeper import Sweeper
from runs.models import Run, ToolCall
from tests.engine.conftest import SWEEPS_OFTEN, ended, kinds_of, launch, reached, steps_of
from tests.engine.control.test_cancel import cancel
from tests.engine.gatekeeper import Gatekeeper, orphan, register

pytestmark = pytest.mark.django_db(transaction=True)

StartHost = Callable[..., RunHost]


async def left_inside_a_call(host_for: StartHost, keeper: Gatekeeper, name: str) -> None:
    """Bring the launched run into a running call, on a host that is then dead for all others."""
    host = host_for(ScriptedModel(calls_tool(name), answers("Done.")))
    await keeper.entered.wait()
    host.id = "host-that-died"
    keeper.entered.clear()


async def test_going_on_is_no_progress_so_a_run_that_kills_every_host_is_ended(ada: User, host_for: StartHost) -> None:
    keeper = Gatekeeper()
    name = register(keeper, "read")
    run = await launch(ada)

    for _ in range(4):  # Each host records that the run goes on, calls the tool, and dies.
        await left_inside_a_call(host_for, keeper, name)
    host_for(ScriptedModel(calls_tool(name), answers("Done.")))
    row = await ended(run)
    keeper.open.set()

    assert (row.status, (row.error or {})["code"]) == ("failed", "poison")
    assert keeper.calls == 4
    assert (await ToolCall.objects.aget(run=run)).state == "failed"


async def test_a_run_that_cannot_be_stored_is_ended_and_not_tried_for_ever(ada: User, host_for: StartHost) -> None:
    unstorable = ModelReply(text="Fine.", replay=1j)
    model = ScriptedModel(unstorable)
    host_for(model)

    row = await ended(await launch(ada))

    assert (row.status, (row.error or {})["code"]) == ("failed", "poison")
    assert len(model.requests) == 4


async def test_a_reply_with_half_a_character_is_stored_with_a_sign_in_its_place(ada: User, host_for: StartHost) -> None:
    host_for(ScriptedModel(ModelReply(text="An \ud83d emoji.", replay={"said": "\ud83d"})))

    row = await ended(await launch(ada))

    assert (row.status, row.answer) == ("completed", "An ? emoji.")


async def test_a_call_that_is_run_again_after_a_crash_is_stopped_with_its_run(ada: User, host_for: StartHost) -> None:
    keeper = Gatekeeper()
    name = register(keeper, "read")
    run = await launch(ada)
    await left_inside_a_call(host_for, keeper, name)
    host_for(ScriptedModel(calls_tool(name), answers("Never.")))
    await keeper.entered.wait()

    await cancel(run, ada)
    row = await ended(run)
    keeper.open.set()

    assert row.status == "cancelled"
    assert (await ToolCall.objects.aget(run=run)).state == "failed"
    assert (await kinds_of(run))[-2:] == ["tool_result", "note"]


async def test_a_call_that_is_run_again_may_end_before_its_host_leaves(ada: User, host_for: StartHost) -> None:
    keeper = Gatekeeper()
    name = register(keeper, "read")
    run = await launch(ada)
    await left_inside_a_call(host_for, keeper, name)
    second = host_for(ScriptedModel(calls_tool(name), answers("Never.")))
    await keeper.entered.wait()

    draining = asyncio.create_task(second.drain())
    await asyncio.wait([draining], timeout=0.3)
    keeper.open.set()
    await draining

    assert (await ToolCall.objects.aget(run=run)).state == "succeeded"


async def test_stopping_a_queued_run_ends_the_calls_an_earlier_host_left_open(ada: User, host_for: StartHost) -> None:
    keeper = Gatekeeper()
    name = register(keeper, "read")
    run = await launch(ada)
    await left_inside_a_call(host_for, keeper, name)
    await Run.objects.filter(pk=run.pk).aupdate(owner=None, status="idle")

    assert await cancel(run, ada) == "cancelled"
    keeper.open.set()

    assert (await ToolCall.objects.aget(run=run)).state == "failed"
    assert [step.kind for step in await steps_of(run)] == ["tool_call", "tool_result", "note"]


async def test_a_run_asked_to_stop_before_its_host_died_leaves_no_call_open(ada: User, host_for: StartHost) -> None:
    keeper = Gatekeeper()
    name = register(keeper, "unsafe")
    run = await launch(ada)
    await left_inside_a_call(host_for, keeper, name)
    await orphan(run, cancel_requested_at=run.created_at)

    host_for(ScriptedModel(answers("Never.")))
    row = await ended(run)
    keeper.open.set()

    assert row.status == "cancelled"
    assert (await ToolCall.objects.aget(run=run)).state == "unknown"


async def test_dashboards_are_told_when_a_run_is_claimed_not_only_when_it_says_something(
    ada: User, host_for: StartHost
) -> None:
    pause = asyncio.Event()
    run = await launch(ada)
    heard = doorbell.messages(doorbell.DASHBOARD_GROUP)
    hearing = asyncio.ensure_future(anext(heard))
    host_for(ScriptedModel(answers("At last."), pause=pause))
    await reached(run, lambda row: row.owner is not None)

    async with asyncio.timeout(5):
        message = await hearing
    pause.set()

    assert message["run"] == str(run.pk)
    await ended(run)


async def test_a_run_that_cannot_begin_again_leaves_no_call_open(ada: User, host_for: StartHost) -> None:
    keeper = Gatekeeper()
    run = await launch(ada)
    await left_inside_a_call(host_for, keeper, register(keeper, "read"))
    await Run.objects.filter(pk=run.pk).aupdate(config=run.config | {"tools": ["gone"]})

    host_for(ScriptedModel(answers("Never.")))
    row = await ended(run)
    keeper.open.set()

    assert row.status == "failed"
    assert (await ToolCall.objects.aget(run=run)).state == "failed"
    assert (await kinds_of(run))[-2:] == ["tool_result", "error"]


async def test_a_run_that_begins_while_the_database_is_away_begins_again(ada: User, host_for: StartHost) -> None:
    host = host_for(ScriptedModel(answers("Done.")))

    class AwayOnce:
        """The spending, in a database that does not answer the first time."""

        def __init__(self) -> None:
            self.asked = 0

        async def budgets_of(self, *_: object) -> list[Budget]:
            self.asked += 1
            if self.asked == 1:
                raise OperationalError("server closed the connection unexpectedly")
            return []

    days = AwayOnce()
    host.services = replace(host.services, daily_budgets=days)  # type: ignore[arg-type]
    row = await ended(await launch(ada))

    assert (row.status, row.answer, days.asked) == ("completed", "Done.", 2)


async def test_of_runs_lost_twice_only_one_at_a_time_is_tried_again(ada: User, host_for: StartHost) -> None:
    goes_on = asyncio.Event()
    lost = [await launch(ada) for _ in range(4)]
    for run in lost:
        await orphan(run, crashes=1, epoch=2)
    new = await launch(ada)

    host = host_for(ScriptedModel(answers("Done."), pause=goes_on))
    await reached(new, lambda row: row.owner == host.id)
    for run in lost:  # Also requested directly, they still wait for their turn.
        host.submit(run.pk)
    await reached(lost[0], lambda row: row.owner == host.id)
    hosted = {row.pk async for row in Run.objects.filter(owner=host.id)}
    goes_on.set()

    assert hosted == {new.pk, lost[0].pk}
    assert {(await ended(run)).status for run in (*lost, new)} == {"completed"}


async def test_runs_beside_one_that_kills_its_host_again_and_again_are_not_ended_with_it(
    ada: User, host_for: StartHost
) -> None:
    slow = asyncio.Event()
    killer, *innocent = [await launch(ada) for _ in range(4)]

    for _ in range(4):  # None of them gets any further before its host is gone.
        host = host_for(ScriptedModel(answers("Done."), pause=slow))
        await reached(killer, lambda row, host=host: row.owner == host.id)  # type: ignore[misc]
        host.id, host.capacity = "host-that-died", 0
    host_for(ScriptedModel(answers("Done.")))
    ends = [(await ended(run)).status for run in (killer, *innocent)]
    slow.set()

    assert ends == ["failed", "completed", "completed", "completed"]


async def test_a_run_lost_twice_is_stopped_without_waiting_for_its_turn(ada: User, host_for: StartHost) -> None:
    slow = asyncio.Event()
    tried, asked = [await launch(ada) for _ in range(2)]
    await orphan(tried, crashes=1)
    await orphan(asked, crashes=1, cancel_requested_at=asked.created_at)

    host_for(ScriptedModel(answers("Done."), pause=slow))

    assert (await ended(asked)).status == "cancelled"
    slow.set()


async def test_a_service_of_the_host_that_fails_is_told_of_and_started_again(
    ada: User, host_for: StartHost, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails = iter([True])
    heard = Sweeper.sweep

    async def fail_once(sweeper: Sweeper) -> None:
        if next(fails, False):
            raise KeyError("nobody foresaw this")
        await heard(sweeper)

    monkeypatch.setattr(Sweeper, "sweep", fail_once)
    run = await launch(ada)
    host_for(ScriptedModel(answers("Done.")))

    assert (await ended(run)).status == "completed"
    assert "started again" in caplog.text


async def test_a_call_that_waits_for_its_place_has_not_started(ada: User, host_for: StartHost) -> None:
    keeper = Gatekeeper()
    name = register(keeper, "unsafe")
    places = RunLimits().max_parallel_calls
    run = await launch(ada)
    impatient = replace(SWEEPS_OFTEN, suspend_grace_s=0.1)  # It is stopped when the test has ended.
    host = host_for(ScriptedModel(calls_tools(*[(name, {})] * (places + 2)), answers("Done.")), impatient)
    await keeper.entered.wait()
    async with asyncio.timeout(10):
        while keeper.calls < places:  # noqa: ASYNC110 - the last of several to come
            await asyncio.sleep(0.005)
    host.id, host.capacity = "host-that-died", 0

    host_for(ScriptedModel(answers("Never.")))
    row = await ended(run)
    states = [call.state async for call in run.calls.order_by("index")]
    keeper.open.set()

    assert (row.status, row.waiting_for) == ("waiting", "decision")
    assert states == ["unknown"] * places + ["proposed"] * 2
