"""Stop reports, and forcing a host that does not respond."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.utils import timezone

from runs.agent.messages import Delta, ModelReply, ModelRequest, OnDelta, ToolRequest
from runs.agent.payloads.json_form import as_json
from runs.agent.providers.scripted import ScriptedModel, answers, calls_tools
from runs.agent.usage import Usage
from runs.engine import control
from runs.engine.hosting.host import RunHost
from runs.engine.recording.run_activity import stop_report_of
from runs.engine.recording.stop_report import stop_report_thought
from runs.engine.writing.writes import Totals
from runs.live.rendering.stop_views import proof_of as card_proof_of
from runs.models import Run, Step, ToolCall
from runs.models.run import FORCE_AFTER
from tests.engine.conftest import ended, launch, reached, steps_of
from tests.engine.control.decision_fixtures import calls_of, settle
from tests.engine.control.test_cancel import cancel
from tests.engine.control.test_pause import resume
from tests.engine.control.test_resume import lost_in_an_unsafe_call
from tests.engine.gatekeeper import Gatekeeper, orphan, register

pytestmark = pytest.mark.django_db(transaction=True)

StartHost = Callable[..., RunHost]


async def force(run: Run, by: User) -> str:
    return await sync_to_async(control.force, thread_sensitive=False)(run.pk, by=by)


async def proof_of(run: Run) -> dict[str, Any]:
    """The stop report in the step that ended the run."""
    last = (await steps_of(run))[-1]
    assert last.metadata["note"] == "cancelled"
    proof: dict[str, Any] = last.metadata["proof"]
    return proof


class Speaks(ScriptedModel):
    """Calls tools in its first turn; in its second it starts a reply that never ends."""

    def __init__(self, first: ModelReply) -> None:
        super().__init__(first)
        self.speaking = asyncio.Event()

    async def reply(self, request: ModelRequest, *, on_delta: OnDelta | None = None) -> ModelReply:
        if not request.turns:
            return await super().reply(request, on_delta=on_delta)
        assert on_delta is not None
        on_delta(Delta("I am "))
        self.speaking.set()
        await asyncio.Event().wait()
        raise AssertionError("Nobody sets this event.")


async def test_the_proof_tells_what_had_finished_and_what_was_stopped_and_whether_it_is_certain(
    ada: User, host_for: StartHost
) -> None:
    quick, slow = Gatekeeper(), Gatekeeper()
    quick.open.set()
    names = [register(quick, "read"), register(slow, "read"), register(slow, "unsafe")]
    host_for(ScriptedModel(calls_tools(*[(name, {}) for name in names])))
    run = await launch(ada)
    await reached(run, lambda row: row.next_sequence > 4)  # Three calls, and the result of the quick one.
    async with asyncio.timeout(5):
        while slow.calls < 2:  # noqa: ASYNC110 - both of them
            await asyncio.sleep(0.005)

    await cancel(run, ada)
    await ended(run)

    proof = await proof_of(run)
    assert [(each["tool_name"], each["state"]) for each in proof["finished"]] == [(names[0], "succeeded")]
    assert {each["tool_name"]: each["outcome"] for each in proof["stopped"]} == {
        names[1]: "no_effect",
        names[2]: "unknown",
    }
    assert all(each["ran_s"] is not None for each in proof["stopped"])
    assert (proof["asked_by"], proof["forced_by"]) == ("ada", None)
    assert proof["asked_at"] <= proof["stopped_at"]
    assert 0 <= proof["took_s"] < 10
    asked = next(step for step in await steps_of(run) if step.metadata.get("note") == "cancel_asked")
    assert {each["tool_name"] for each in asked.metadata["running"]} == {names[1], names[2]}
    assert all(name in asked.content for name in names[1:])


async def test_the_proof_tells_what_was_booked_after_the_click_and_not_before(ada: User, host_for: StartHost) -> None:
    keeper = Gatekeeper()
    first = ModelReply(calls=(ToolRequest(register(keeper, "read"), {}),), usage=Usage(output_tokens=100))
    host_for(ScriptedModel(first))
    run = await launch(ada)
    await keeper.entered.wait()

    await cancel(run, ada)
    await ended(run)

    proof = await proof_of(run)
    assert (await Run.objects.aget(pk=run.pk)).tokens_used == 100
    assert proof["tokens_after"] == 0


async def test_a_reply_cut_off_by_a_stop_has_a_cost_that_is_shown_as_unknown(ada: User, host_for: StartHost) -> None:
    keeper = Gatekeeper()
    keeper.open.set()
    model = Speaks(ModelReply(calls=(ToolRequest(register(keeper, "read"), {}),)))
    host_for(model)
    run = await launch(ada)
    await model.speaking.wait()

    await cancel(run, ada)
    await ended(run)

    proof = await proof_of(run)
    assert (proof["reply"], proof["cost_is_known"], proof["cost_after"]) == ("cut_off", False, None)


async def test_a_model_that_had_not_begun_to_answer_costs_nothing_that_we_know_of(
    ada: User, host_for: StartHost
) -> None:
    model = ScriptedModel(answers("Never."), pause=asyncio.Event())
    host_for(model)
    run = await launch(ada)
    await reached(run, lambda _: bool(model.requests))

    await cancel(run, ada)
    await ended(run)

    proof = await proof_of(run)
    assert (proof["stopped"], proof["finished"]) == ([], [])
    assert (proof["reply"], proof["tokens_after"], proof["cost_after"]) == ("not_begun", 0, "0")


async def test_a_queued_run_is_stopped_with_proof_too(ada: User) -> None:
    run = await launch(ada)

    await cancel(run, ada)

    proof = await proof_of(run)
    assert (proof["asked_by"], proof["took_s"], proof["reply"], proof["cost_after"]) == ("ada", 0, "none", "0")


async def test_a_claim_that_finds_a_stop_asked_for_proves_what_its_dead_host_had_started(
    ada: User, host_for: StartHost
) -> None:
    keeper = Gatekeeper()
    name = register(keeper, "unsafe")
    first = host_for(ScriptedModel(calls_tools((name, {}))))
    run = await launch(ada)
    await keeper.entered.wait()
    first.id, first.capacity = "a zombie that hears nothing", 0
    await orphan(run, cancel_requested_at=timezone.now())

    host_for(ScriptedModel(answers("Never.")))
    await ended(run)
    keeper.open.set()

    (stopped,) = (await proof_of(run))["stopped"]
    assert (stopped["tool_name"], stopped["outcome"], stopped["ran_s"]) == (name, "unknown", None)


async def test_force_is_refused_before_a_stop_was_asked_for_and_for_ten_seconds_after(
    ada: User, host_for: StartHost
) -> None:
    keeper = Gatekeeper()
    run = await launch(ada)
    await orphan(run, epoch=1)

    assert await force(run, ada) == "not_asked"
    await Run.objects.filter(pk=run.pk).aupdate(cancel_requested_at=timezone.now())
    assert await force(run, ada) == "too_early"

    row = await Run.objects.aget(pk=run.pk)
    assert (row.status, row.epoch, keeper.calls) == ("executing", 1, 0)


async def test_force_need_not_wait_for_a_host_whose_lease_has_expired(ada: User) -> None:
    run = await launch(ada)
    now = timezone.now()
    await orphan(run, epoch=1, cancel_requested_at=now, lease_until=now - timedelta(seconds=1))

    assert await force(run, ada) == "forced"


async def test_a_run_whose_host_does_not_stop_it_is_forced_and_its_host_can_write_nothing_more(
    ada: User, host_for: StartHost
) -> None:
    keeper = Gatekeeper()
    names = [register(keeper, "unsafe"), register(keeper, "read")]
    host = host_for(ScriptedModel(calls_tools(*[(name, {}) for name in names]), answers("Never.")))
    run = await launch(ada)
    async with asyncio.timeout(5):
        while keeper.calls < 2:  # noqa: ASYNC110 - both of them
            await asyncio.sleep(0.005)
    host._runs.consumers[run.pk]._child = None  # Stop messages have no effect.
    await cancel(run, ada)
    earlier = timezone.now() - FORCE_AFTER
    await Run.objects.filter(pk=run.pk).aupdate(cancel_requested_at=earlier)

    assert await force(run, ada) == "forced"
    keeper.open.set()
    await asyncio.wait(list(host._runs.tasks.values()))

    row = await Run.objects.aget(pk=run.pk)
    proof = await proof_of(run)
    states = {call.tool_name: call.state async for call in ToolCall.objects.filter(run=run)}
    assert (row.status, row.owner, row.epoch) == ("cancelled", None, 2)
    assert states == {names[0]: "unknown", names[1]: "failed"}
    assert proof["forced_by"] == "ada"
    assert {each["outcome"] for each in proof["stopped"]} == {"unknown", "no_effect"}
    assert await force(run, ada) == "already_ended"
    assert [step.sequence for step in await steps_of(run)] == list(range(1, row.next_sequence))


async def test_a_call_that_runs_again_after_its_outcome_was_unknown_is_running_when_a_stop_is_asked_for(
    ada: User, host_for: StartHost
) -> None:
    keeper = Gatekeeper()
    run = await lost_in_an_unsafe_call(keeper, ada, host_for)
    await resume(run, ada)
    call = await run.calls.aget()
    await settle(call, ada, "run_again")
    await reached(run, lambda row: keeper.calls == 2)

    await cancel(run, ada)
    await ended(run)
    keeper.open.set()

    asked = next(step for step in await steps_of(run) if step.metadata.get("note") == "cancel_asked")
    assert [each["tool_name"] for each in asked.metadata["running"]] == [call.tool_name]
    assert "Running now" in asked.content
    assert (await proof_of(run))["finished"] == []


async def test_a_stop_between_two_decisions_about_outcomes_tells_the_state_of_each_call(
    ada: User, host_for: StartHost
) -> None:
    keeper = Gatekeeper()
    names = [register(keeper, "unsafe") for _ in range(3)]
    first = host_for(ScriptedModel(calls_tools(*[(name, {}) for name in names])))
    run = await launch(ada)
    await reached(run, lambda row: keeper.calls == len(names))
    first.id, first.capacity = "a zombie that hears nothing", 0
    await orphan(run, crashes=3)
    host_for(ScriptedModel(answers("Never.")))
    await ended(run)
    await resume(run, ada)
    again, happened, _ = await calls_of(run)

    await settle(again, ada, "run_again")
    await settle(happened, ada, "happened")
    await cancel(run, ada)
    keeper.open.set()

    proof = await proof_of(run)
    assert [(each["tool_name"], each["outcome"]) for each in proof["stopped"]] == [(names[0], "not_started")]
    assert [(each["tool_name"], each["state"]) for each in proof["finished"]] == [
        (names[1], "succeeded"),
        (names[2], "unknown"),
    ]
    told, stopped = [step for step in await steps_of(run) if step.kind == "tool_result"][-2:]
    assert [each["state"] for each in told.metadata["calls"]] == ["waiting", "succeeded", "unknown"]
    assert [each["state"] for each in stopped.metadata["calls"]] == ["failed", "succeeded", "unknown"]


@pytest.mark.parametrize(("is_estimated", "tokens"), [(True, "≈20"), (False, "20")])
def test_tokens_booked_after_the_click_are_about_as_many_if_some_were_counted_here(
    ada: User, is_estimated: bool, tokens: str
) -> None:
    run = control.launch(user=ada, task="Do it.")
    used = as_json(Totals(10, None, cost_is_partial=True).as_used())
    asked = {"note": "cancel_asked", "by": "ada", "used": used}
    Step.objects.create(run=run, sequence=1, epoch=1, kind="note", ended_at=timezone.now(), metadata=asked)

    thought = stop_report_thought(run.pk, stop_report_of(run), Totals(30, None, True, usage_is_estimated=is_estimated))

    shown = card_proof_of(Step(metadata=thought.metadata))
    assert f"Spent after the stop was asked for: {tokens} tokens" in thought.content
    assert shown is not None and shown.tokens == tokens
