"""Agents call other agents: a call launches one child run, waits without a host, and gets its answer."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User

from runs.agent.messages import ModelReply
from runs.agent.providers.scripted import calls_tool
from runs.engine import control
from runs.engine.hosting.host import RunHost
from runs.models import Agent, Run, ToolCall
from tests.engine.conftest import ended, kinds_of, launch, reached, steps_of
from tests.engine.control.decision_fixtures import calls_of
from tests.engine.control.test_cancel import cancel
from tests.engine.control.tree_fixtures import (
    Troupe,
    calls_agents,
    child_of,
    hosted_in,
    launch_as,
    tree_of,
)

pytestmark = pytest.mark.django_db(transaction=True)

StartHost = Callable[..., RunHost]


async def test_a_call_launches_a_run_and_goes_on_with_its_answer(
    ada: User, family: dict[str, Agent], host_for: StartHost
) -> None:
    await Agent.objects.filter(name="Worker").aupdate(description="Digs.")
    model = Troupe({"Plan.": [calls_agents("Worker", "Dig.")]}, held=["Dig."])
    host_for(model)
    run = await launch_as("Boss", ada, "Plan.")
    child = await child_of(run, "Dig.")
    await reached(child, lambda row: row.owner is not None)
    row = await reached(run, lambda row: row.waiting_for == "child")
    waited = (row.status, row.owner, row.lease_until, await hosted_in(run))
    (call,) = await calls_of(run)
    call_waited = (call.state, call.ended_at)

    model.open.set()
    row = await ended(run)

    assert waited == ("waiting", None, None, ["Dig."])
    assert call_waited == ("awaiting_child", None)
    assert (row.status, row.answer, model.results("Plan.")) == ("completed", "Plan.: done.", ["Dig.: done."])
    child = await ended(child)
    assert (child.status, child.parent_call_id, child.root, child.depth) == ("completed", call.pk, run.pk, 1)
    assert (child.user_id, child.agent_id, row.depth, row.root) == (ada.pk, family["Worker"].pk, 0, None)
    assert await kinds_of(run) == ["tool_call", "note", "tool_result", "answer"]
    note = (await steps_of(run))[1]
    assert (note.content, note.call_id) == ("call_agent launched a run of Worker.", call.pk)
    assert (note.payload.child_id, note.payload.agent) == (str(child.pk), "Worker")
    (tool,) = [each for each in model.requests[0].tools if each.name == "call_agent"]
    assert tool.get_schema()["properties"]["agent"]["enum"] == ["Worker"]
    assert tool.description.endswith("\n- Worker: Digs.")


async def test_an_answer_with_a_schema_comes_back_as_data(
    ada: User, family: dict[str, Agent], host_for: StartHost
) -> None:
    schema = {"type": "object", "properties": {"depth": {"type": "integer"}}, "required": ["depth"]}
    await Agent.objects.filter(name="Worker").aupdate(output_schema=schema)
    model = Troupe({"Plan.": [calls_agents("Worker", "Dig.")], "Dig.": [ModelReply('{"depth": 3}')]})
    host_for(model)

    await ended(await launch_as("Boss", ada, "Plan."))

    assert model.results("Plan.") == [{"depth": 3}]


async def test_child_runs_of_one_turn_work_at_the_same_time_and_the_run_goes_on_after_the_last(
    ada: User, family: dict[str, Agent], host_for: StartHost
) -> None:
    tasks = [f"Dig {number}." for number in range(3)]
    model = Troupe({"Plan.": [calls_agents("Worker", *tasks)]}, held=tasks[1:])
    host_for(model)
    run = await launch_as("Boss", ada, "Plan.")
    children = [await child_of(run, task) for task in tasks]
    await ended(children[0])
    await reached(run, lambda row: row.waiting_for == "child")
    for child in children[1:]:
        await reached(child, lambda row: row.owner is not None)
    at_once = await hosted_in(run)

    model.open.set()
    await ended(run)

    assert at_once == tasks[1:]
    calls = await calls_of(run)
    results = {step.call_id: step for step in await steps_of(run) if step.kind == "tool_result"}
    for child, call in zip([await ended(each) for each in children], calls, strict=True):
        result = results[call.pk]
        times = (child.created_at, child.ended_at)
        assert (call.started_at, call.ended_at) == times, "A call is as long as its child run."
        assert (result.started_at, result.ended_at) == times
    assert model.results("Plan.") == [f"{task}: done." for task in tasks]


async def test_an_agent_that_is_gone_or_an_owner_who_may_not_launch_gets_no_run(
    ada: User, family: dict[str, Agent], host_for: StartHost
) -> None:
    model = Troupe({"Plan.": [calls_agents("Worker", "Dig."), calls_agents("Worker", "Dig.")]}, held=["Plan."])
    host_for(model)
    run = await launch_as("Boss", ada, "Plan.")
    await model.asked.wait()
    await User.objects.filter(pk=ada.pk).aupdate(is_active=False)

    model.open.set()
    await ended(run)

    assert model.results("Plan.") == ["No run was launched: the owner of this run may not launch runs any more."]
    assert await tree_of(run) == []


async def test_a_call_of_an_agent_that_is_gone_says_so(
    ada: User, family: dict[str, Agent], host_for: StartHost
) -> None:
    model = Troupe({"Plan.": [calls_agents("Worker", "Dig.")]}, held=["Plan."])
    host_for(model)
    run = await launch_as("Boss", ada, "Plan.")
    await model.asked.wait()
    await Agent.objects.filter(name="Worker").adelete()

    model.open.set()
    await ended(run)

    assert model.results("Plan.") == ["There is no agent named Worker any more. No run was launched."]


async def test_a_child_whose_agent_is_deleted_meanwhile_still_gives_its_answer(
    ada: User, family: dict[str, Agent], host_for: StartHost
) -> None:
    model = Troupe({"Plan.": [calls_agents("Worker", "Dig."), calls_agents("Worker", "Dig.")]}, held=["Dig."])
    host_for(model)
    run = await launch_as("Boss", ada, "Plan.")
    await reached(run, lambda row: row.waiting_for == "child")
    await Agent.objects.filter(name="Worker").adelete()

    model.open.set()
    run = await ended(run)

    first = next(each for each in model.requests if each.task == "Plan." and len(each.turns) == 1).turns[0].results[0]
    assert first.output == "Dig.: done."
    assert (run.status, len(await tree_of(run))) == ("completed", 1)


async def test_the_failure_of_a_child_is_told_to_the_model(
    ada: User, family: dict[str, Agent], host_for: StartHost
) -> None:
    await Agent.objects.filter(name="Worker").aupdate(max_turns=1)
    model = Troupe({"Plan.": [calls_agents("Worker", "Dig.")], "Dig.": [calls_tool("current_time")]})
    host_for(model)

    run = await ended(await launch_as("Boss", ada, "Plan."))

    (told,) = model.results("Plan.")
    assert told == "The run of the agent Worker failed: The run reached its limit max_turns: 1 of 1 turns."
    assert run.status == "completed"


async def test_a_child_that_was_stopped_alone_names_who_stopped_it(
    ada: User, family: dict[str, Agent], host_for: StartHost
) -> None:
    model = Troupe({"Plan.": [calls_agents("Worker", "Dig.")]}, held=["Dig."])
    host_for(model)
    run = await launch_as("Boss", ada, "Plan.")
    child = await child_of(run, "Dig.")

    await cancel(child, ada)
    run = await ended(run)

    assert model.results("Plan.") == ["The run of the agent Worker was stopped by ada before it answered."]
    assert run.status == "completed"


async def test_a_script_calls_agents_and_goes_on_with_their_answers(
    ada: User, family: dict[str, Agent], host_for: StartHost
) -> None:
    code = "first = call_agent(agent='Worker', task='Dig.')\ncall_agent(agent='Worker', task=first)"
    model = Troupe({"Plan.": [calls_tool("run_python", code=code)]})
    host_for(model)

    run = await ended(await launch_as("Boss", ada, "Plan."))

    assert [each.task for each in await tree_of(run)] == ["Dig.", "Dig.: done."]
    assert model.results("Plan.") == [{"printed": "", "value": "Dig.: done.: done."}]


async def test_only_an_agent_that_may_call_others_is_offered_the_tool(ada: User, host_for: StartHost) -> None:
    model = Troupe()
    host_for(model)

    await ended(await launch(ada))

    assert "call_agent" not in [each.name for each in model.requests[0].tools]


async def test_a_lost_wake_up_is_found_by_the_sweep(ada: User, family: dict[str, Agent], host_for: StartHost) -> None:
    model = Troupe({"Plan.": [calls_agents("Worker", "Dig.")]}, held=["Dig."])
    first = host_for(model)
    run = await launch_as("Boss", ada, "Plan.")
    child = await child_of(run, "Dig.")
    await reached(run, lambda row: row.waiting_for == "child")
    await first.drain()
    # As if the process had died between the end of the child and the wake-up.
    await Run.objects.filter(pk=child.pk).aupdate(status="completed", answer="Dug.", owner=None, lease_until=None)

    host_for(model)
    run = await ended(run)

    assert (run.status, model.results("Plan.")) == ("completed", ["Dug."])


async def test_a_child_that_nobody_waits_for_any_more_is_stopped(
    ada: User, family: dict[str, Agent], host_for: StartHost
) -> None:
    model = Troupe({"Plan.": [calls_agents("Worker", "Dig.")]}, held=["Dig."])
    host_for(model)
    run = await launch_as("Boss", ada, "Plan.")
    child = await child_of(run, "Dig.")
    await reached(run, lambda row: row.waiting_for == "child")

    # As after a crash limit, which ends a run with its calls.
    await ToolCall.objects.filter(run=run).aupdate(state="failed")
    await Run.objects.filter(pk=run.pk).aupdate(status="failed", waiting_for="")
    row = await ended(child)

    assert row.status == "cancelled"
    assert (await steps_of(child))[-1].content.startswith("Stopped by Agentsite")


async def test_two_hosts_that_make_the_same_call_launch_one_run(
    ada: User, family: dict[str, Agent], host_for: StartHost
) -> None:
    model = Troupe({"Plan.": [calls_agents("Worker", "Dig.")]}, held=["Dig."])
    host_for(model)
    run = await launch_as("Boss", ada, "Plan.")
    await child_of(run, "Dig.")
    (call,) = await calls_of(run)
    made: dict[str, Any] = {"epoch": 1, "call_id": call.pk, "agent": "Worker", "task": "Dig."}

    again = sync_to_async(control.answer_of_child, thread_sensitive=False)
    outcomes = await asyncio.gather(*(again(run.pk, **made) for _ in range(4)), return_exceptions=True)

    assert {type(each).__name__ for each in outcomes} == {"ChildAwaited"}
    assert len(await tree_of(run)) == 1
