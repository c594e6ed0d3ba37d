"""Calls of unknown outcome, and their settlement by a person."""

import asyncio
from collections.abc import Callable
from uuid import uuid4

import pytest
from django.contrib.auth.models import User

from runs.agent.providers.scripted import ScriptedModel, answers, calls_tool, calls_tools
from runs.agent.tools.registry import tool
from runs.engine import control
from runs.engine.hosting.host import RunHost
from runs.models import Run, ToolCall
from tests.engine.conftest import ended, kinds_of, launch, reached, steps_of
from tests.engine.control.decision_fixtures import Post, calls_of, decide, launch_asking, parked, settle
from tests.engine.control.test_cancel import cancel
from tests.engine.gatekeeper import Gatekeeper, register

pytestmark = pytest.mark.django_db(transaction=True)

StartHost = Callable[..., RunHost]


@pytest.fixture
async def lost(ada: User, host_for: StartHost) -> tuple[Run, ToolCall, ScriptedModel, Gatekeeper]:
    """A run whose host died during an unsafe call, and that another host has parked."""
    keeper = Gatekeeper()
    name = register(keeper, "unsafe")
    run = await launch(ada)
    host = host_for(ScriptedModel(calls_tool(name)))
    await keeper.entered.wait()
    host.id, host.capacity = "host-that-died", 0
    model = ScriptedModel(calls_tool(name), answers("Done."))
    host_for(model)
    (call,) = await parked(run, "decision")
    keeper.open.set()
    return run, call, model, keeper


async def test_what_a_person_says_came_out_is_what_the_model_reads(
    ada: User, lost: tuple[Run, ToolCall, ScriptedModel, Gatekeeper]
) -> None:
    run, call, model, keeper = lost

    await settle(call, ada, "happened", "The gate is open.")
    row = await ended(run)

    assert (row.status, keeper.calls) == ("completed", 1)
    (result,) = model.requests[-1].turns[-1].results
    assert (result.output, result.error) == ("The gate is open.", None)
    assert "A person told" in result.model_text
    (call,) = await calls_of(run)
    assert (call.state, call.decided_by) == ("succeeded", ada)
    assert (await kinds_of(run))[-4:] == ["approval", "approval", "tool_result", "answer"]
    assert "ada" in (await steps_of(run))[-3].content


async def test_a_call_that_did_not_happen_runs_again(
    ada: User, lost: tuple[Run, ToolCall, ScriptedModel, Gatekeeper]
) -> None:
    run, call, model, keeper = lost

    await settle(call, ada, "run_again")
    row = await ended(run)

    assert (row.status, keeper.calls) == ("completed", 2)
    assert model.requests[-1].turns[-1].results[0].output == "let through"
    (call,) = await calls_of(run)
    assert (call.state, call.decided_by, call.epoch) == ("succeeded", ada, row.epoch)


async def test_a_run_with_an_unknown_outcome_can_be_stopped_instead(
    ada: User, lost: tuple[Run, ToolCall, ScriptedModel, Gatekeeper]
) -> None:
    run, call, _, _ = lost

    assert await cancel(run, ada) == "cancelled"
    with pytest.raises(control.DecisionRefused) as refused:
        await settle(call, ada, "run_again")

    assert refused.value.code == "not_waiting"
    assert [call.state for call in await calls_of(run)] == ["unknown"]


NOBODY_SAID = "Outcome unknown: nobody has said whether it happened."


async def test_a_stop_does_not_say_that_it_stopped_a_call_whose_outcome_was_unknown_before(
    ada: User, lost: tuple[Run, ToolCall, ScriptedModel, Gatekeeper]
) -> None:
    run, _, _, _ = lost

    await cancel(run, ada)

    (result,) = [step for step in await steps_of(run) if step.kind == "tool_result"]
    assert (result.content, result.metadata["code"]) == (NOBODY_SAID, "outcome_unknown")


async def test_a_stop_beside_a_call_whose_outcome_is_unknown_stops_only_the_call_that_runs(
    ada: User, host_for: StartHost
) -> None:
    name = f"send_{uuid4().hex[:8]}"

    @tool(name=name, effect="unsafe", timeout_s=0.05)
    async def send() -> str:
        """Send."""
        await asyncio.Event().wait()
        return "never"

    keeper = Gatekeeper()
    host_for(ScriptedModel(calls_tools((name, {}), (register(keeper, "read"), {}))))
    run = await launch(ada)
    await reached(run, lambda row: row.last_sequence == len(["tool_call", "tool_call", "approval"]))

    await cancel(run, ada)
    await ended(run)

    steps = await steps_of(run)
    said = {step.tool_name: step.content for step in steps if step.kind == "tool_result"}
    assert said[name] == NOBODY_SAID
    assert [call.state for call in await calls_of(run)] == ["unknown", "failed"]
    stopped = {each["tool_name"]: each for each in steps[-1].metadata["proof"]["stopped"]}
    assert (stopped[name]["outcome"], stopped[name]["ran_s"]) == ("unknown", None)
    assert [each["ran_s"] is None for each in stopped.values()] == [True, False]


async def test_an_outcome_is_settled_once(ada: User, lost: tuple[Run, ToolCall, ScriptedModel, Gatekeeper]) -> None:
    run, call, _, _ = lost
    await settle(call, ada, "happened")
    await ended(run)

    with pytest.raises(control.DecisionRefused) as refused:
        await settle(call, ada, "happened")

    assert refused.value.code == "not_waiting"


async def test_an_unsafe_call_that_takes_too_long_is_not_told_as_failed_but_asked_about(
    ada: User, host_for: StartHost
) -> None:
    keeper, post = Gatekeeper(), Post("read")
    model = ScriptedModel(calls_tools((register(keeper, "unsafe"), {}), (post.name, {"to": "bob"})), answers("Done."))
    host_for(model)

    run = await launch(ada, tool_timeout_s=0.2)
    slow, quick = await parked(run, "decision")

    assert (slow.state, quick.state, post.sent) == ("unknown", "succeeded", [("bob", 1)])
    assert len(model.requests) == 1
    question = next(step for step in await steps_of(run) if step.metadata.get("asks") == "outcome")
    assert str(question.call_id) == str(slow.pk)
    assert "timed out after 0.2 s" in question.content
    await settle(slow, ada, "happened", "It opened.")
    assert (await ended(run)).status == "completed"
    assert (model.requests[-1].turns[-1].results[0].output, post.sent) == ("It opened.", [("bob", 1)])


async def test_a_run_waits_until_every_unknown_outcome_is_settled(ada: User, host_for: StartHost) -> None:
    keeper = Gatekeeper()
    name = register(keeper, "unsafe")
    host_for(ScriptedModel(calls_tools((name, {}), (name, {})), answers("Done.")))
    run = await launch(ada, tool_timeout_s=0.2)
    first, second = await parked(run, "decision")
    keeper.open.set()

    await settle(first, ada, "happened")
    still = await Run.objects.aget(pk=run.pk)
    await settle(second, ada, "run_again")
    row = await ended(run)

    assert (still.status, still.waiting_for) == ("waiting", "decision")
    assert (row.status, keeper.calls) == ("completed", 3)


async def test_a_host_that_dies_with_an_outcome_already_unknown_does_not_hide_it(
    ada: User, host_for: StartHost
) -> None:
    slow, slower = Gatekeeper(), Gatekeeper()
    calls = calls_tools((register(slow, "unsafe"), {}), (register(slower, "read"), {}))
    host = host_for(ScriptedModel(calls))
    run = await launch(ada, tool_timeout_s=60)
    await asyncio.gather(slow.entered.wait(), slower.entered.wait())
    host.id, host.capacity = "host-that-died", 0
    await run.calls.filter(index=0).aupdate(state="unknown")

    host_for(ScriptedModel(calls, answers("Done.")))
    await parked(run, "decision")
    slow.open.set()
    slower.open.set()

    assert slow.calls == slower.calls == 1
    row = await reached(run, lambda row: row.owner is None)
    assert row.waiting_for == "decision"


async def test_that_a_call_was_approved_or_run_again_says_nothing_of_its_outcome(
    ada: User, host_for: StartHost
) -> None:
    name = f"send_{uuid4().hex[:8]}"

    @tool(name=name, effect="unsafe", timeout_s=0.05)
    async def send() -> str:
        """Send, and never say so."""
        await asyncio.Event().wait()
        return "sent"

    host_for(ScriptedModel(calls_tool(name), answers("Done.")))
    run = await launch_asking(ada)
    (call,) = await parked(run)
    await decide(control.approve, call, ada)
    for outcome in ("run_again", "happened"):
        (call,) = await parked(run, "decision")
        assert await ToolCall.objects.asking().filter(run=run).acount() == 1
        await settle(call, ada, outcome)

    assert (await ended(run)).status == "completed"
    assert [call.state for call in await calls_of(run)] == ["succeeded"]
