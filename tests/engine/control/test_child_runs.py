"""Agents call other agents: a call launches one child run, waits without a host, and gets its answer."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db.models import Sum

from runs.agent.messages import ModelReply
from runs.agent.providers.scripted import calls_tool, calls_tools
from runs.agent.usage import Usage
from runs.engine import control
from runs.engine.hosting.host import RunHost
from runs.models import Agent, Question, Run, ToolCall
from runs.models.run_tree import RunTree
from tests.engine.conftest import ended, error_of, kinds_of, launch, reached, steps_of
from tests.engine.control.decision_fixtures import calls_of
from tests.engine.control.test_cancel import cancel
from tests.engine.control.tree_fixtures import (
    Troupe,
    agents,
    calls_agents,
    child_of,
    hosted_in,
    launch_as,
    tree_of,
    without_tools,
)

pytestmark = pytest.mark.django_db(transaction=True)

StartHost = Callable[..., RunHost]


@pytest.fixture
def family(ada: User) -> dict[str, Agent]:
    """A boss, who may call a worker, who may call a helper, who may call all of them."""
    return agents(Boss=["Worker"], Worker=["Helper"], Helper=["Boss", "Worker", "Helper"])


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
    assert model.results("Plan.") == [f"{task}: done." for task in tasks]


async def test_the_use_of_a_tree_adds_up_and_each_run_has_only_its_own(
    ada: User, family: dict[str, Agent], host_for: StartHost
) -> None:
    script = {"Plan.": [calls_agents("Worker", "Dig.", "Build.")], "Dig.": [calls_agents("Helper", "Dig deep.")]}
    host_for(Troupe(script))

    run = await ended(await launch_as("Boss", ada, "Plan."))

    below = await tree_of(run)
    assert [(each.task, each.depth, each.tokens_used, each.cost) for each in [run, *below]] == [
        ("Plan.", 0, 20, Decimal("0.02")),
        ("Build.", 1, 10, Decimal("0.01")),
        ("Dig.", 1, 20, Decimal("0.02")),
        ("Dig deep.", 2, 10, Decimal("0.01")),
    ]
    tree = await sync_to_async(RunTree.under)(run)
    use = await sync_to_async(tree.use_of)(run)
    total = await Run.objects.in_tree(run.pk).aaggregate(cost=Sum("cost"), tokens=Sum("tokens_used"))
    assert (use.tokens, use.cost) == (60, Decimal("0.06"))
    assert (total["tokens"], Decimal(str(total["cost"])).quantize(Decimal("0.01"))) == (60, Decimal("0.06"))


@pytest.mark.parametrize(
    ("limits", "shares"),
    [
        ({"max_tokens": 100_010}, {"max_tokens": [50_000, 50_000]}),
        ({"max_cost_usd": Decimal("5.01")}, {"max_cost_usd": ["2.500000", "2.500000"]}),
        ({"max_calls": 10}, {"max_calls": [4, 4]}),
        ({"max_duration_s": 90}, {}),
    ],
    ids=["tokens", "money", "calls", "seconds"],
)
async def test_children_of_a_turn_share_what_the_run_has_left(
    ada: User, family: dict[str, Agent], host_for: StartHost, limits: dict[str, Any], shares: dict[str, Any]
) -> None:
    await without_tools()
    host_for(Troupe({"Plan.": [calls_agents("Worker", "Dig.", "Build.")]}))
    run = await launch_as("Boss", ada, "Plan.", **limits)

    await ended(run)

    below = await tree_of(run)
    for name, wanted in shares.items():
        assert [each.config[name] for each in below] == wanted
    assert all(0 < each.config["max_duration_s"] <= limits.get("max_duration_s", 600) for each in below)


async def test_a_child_has_no_more_than_its_own_agent_allows(
    ada: User, family: dict[str, Agent], host_for: StartHost
) -> None:
    await without_tools()
    await Agent.objects.filter(name="Worker").aupdate(max_tokens=200, max_duration_s=30)
    host_for(Troupe({"Plan.": [calls_agents("Worker", "Dig.")]}))

    run = await ended(await launch_as("Boss", ada, "Plan.", max_tokens=10_000))

    (child,) = await tree_of(run)
    assert (child.config["max_tokens"], child.config["max_duration_s"]) == (200, 30)


async def test_what_children_have_used_counts_against_the_limits_of_the_run(
    ada: User, family: dict[str, Agent], host_for: StartHost
) -> None:
    await without_tools()
    much = ModelReply("Dug.", usage=Usage(output_tokens=19_985))
    host_for(Troupe({"Plan.": [calls_agents("Worker", "Dig.")], "Dig.": [much]}))

    run = await ended(await launch_as("Boss", ada, "Plan.", max_tokens=20_000))

    (child,) = await tree_of(run)
    assert (child.config["max_tokens"], child.status, child.tokens_used) == (19_990, "completed", 19_985)
    assert (run.status, run.tokens_used, error_of(run)["code"]) == ("failed", 10, "limit_max_tokens")


async def test_a_run_without_anything_left_is_told_that_it_cannot_call(
    ada: User, family: dict[str, Agent], host_for: StartHost
) -> None:
    model = Troupe({"Plan.": [calls_agents("Worker", "Dig.")]})
    host_for(model)

    run = await ended(await launch_as("Boss", ada, "Plan.", max_calls=1))

    assert model.results("Plan.")[0].startswith("The run has not enough left of its limit max_calls for another run.")
    assert (run.status, await tree_of(run)) == ("completed", [])


async def test_a_loop_of_agents_is_refused_and_so_is_a_tree_that_is_too_deep(ada: User, host_for: StartHost) -> None:
    await sync_to_async(agents)(A=["B"], B=["C", "A"], C=["D"], D=["E"], E=[])
    script = {
        "a": [calls_agents("B", "b")],
        "b": [calls_agents("A", "a again"), calls_agents("C", "c")],
        "c": [calls_agents("D", "d")],
        "d": [calls_agents("E", "e")],
    }
    model = Troupe(script)
    host_for(model)

    run = await ended(await launch_as("A", ada, "a"))

    looped = next(each for each in model.requests if each.task == "b" and len(each.turns) == 1).turns[0].results[0]
    assert looped.error is not None
    assert looped.error.message.startswith("The agents would call each other in a loop (A → B → A).")
    assert model.results("d")[0].startswith("This run is 3 calls of agents deep, which is the most.")
    assert [each.task for each in await tree_of(run)] == ["b", "c", "d"]
    assert run.status == "completed"


async def test_a_tree_has_at_most_so_many_child_runs(ada: User, family: dict[str, Agent], host_for: StartHost) -> None:
    script = {"Plan.": [calls_agents("Worker", "one", "two")], "one": [calls_agents("Helper", "three")]}
    model = Troupe(script)
    host_for(model)

    run = await ended(await launch_as("Boss", ada, "Plan.", max_child_runs=2))

    assert [each.task for each in await tree_of(run)] == ["one", "two"]
    assert model.results("one")[0].startswith("The run and its child runs have launched 2 runs, which is the most")


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


async def test_a_call_beside_a_question_waits_for_both(
    ada: User, family: dict[str, Agent], host_for: StartHost
) -> None:
    asks = ("ask_person", {"question": "Where?"})
    reply = calls_tools(("call_agent", {"agent": "Worker", "task": "Dig."}), asks)
    model = Troupe({"Plan.": [reply]}, held=["Dig."])
    host_for(model)
    run = await launch_as("Boss", ada, "Plan.")
    await reached(run, lambda row: row.waiting_for == "answer")
    question = await ToolCall.objects.aget(run=run, state="awaiting_answer")
    asked = await question.questions.aget()

    answer = sync_to_async(control.answer, thread_sensitive=False)
    await answer(asked.pk, by=ada, answer="Here.", surface=Question.Surface.PAGE)
    still = (await Run.objects.aget(pk=run.pk)).waiting_for
    model.open.set()
    await ended(run)

    assert (still, model.results("Plan.")) == ("child", ["Dig.: done.", "Here."])


async def test_a_call_of_an_agent_waits_for_an_approval_only_if_the_rules_say_so(
    ada: User, family: dict[str, Agent], host_for: StartHost
) -> None:
    model = Troupe({"Plan.": [calls_agents("Worker", "Dig.")]})
    host_for(model)
    run = await launch_as("Boss", ada, "Plan.", tool_approvals={"call_agent": "always"})
    await reached(run, lambda row: row.waiting_for == "approval")
    (call,) = await calls_of(run)
    none_yet = await tree_of(run)

    approve = sync_to_async(control.approve, thread_sensitive=False)
    await approve(call.pk, by=ada, arguments_hash=call.arguments_hash)
    await ended(run)

    assert (none_yet, model.results("Plan.")) == ([], ["Dig.: done."])
    assert (await ToolCall.objects.aget(pk=call.pk)).decided_by_id == ada.pk


async def test_a_rule_of_the_launch_that_asks_before_tools_run_holds_in_child_runs(
    ada: User, family: dict[str, Agent], host_for: StartHost
) -> None:
    model = Troupe({"Plan.": [calls_agents("Worker", "Dig.")], "Dig.": [calls_tool("current_time")]})
    host_for(model)

    def launched() -> Run:
        agent = Agent.objects.get(name="Boss")
        return control.launch(user=ada, task="Plan.", agent=agent, overrides={"approval": "always"})

    run = await sync_to_async(launched, thread_sensitive=False)()
    await reached(run, lambda row: row.waiting_for == "approval")
    (call,) = await calls_of(run)
    approve = sync_to_async(control.approve, thread_sensitive=False)
    await approve(call.pk, by=ada, arguments_hash=call.arguments_hash)
    child = await child_of(run, "Dig.")

    await reached(child, lambda row: row.waiting_for == "approval")

    assert child.config["approval_floor"] == "always"


async def test_a_run_that_waits_for_its_children_holds_no_slot_of_its_owner(
    ada: User, family: dict[str, Agent], host_for: StartHost, settings: Any
) -> None:
    settings.AGENTSITE_MAX_RUNS_AT_ONCE_PER_USER = 1
    settings.AGENTSITE_LAUNCHES_PER_MINUTE = 1
    script = {"Plan.": [calls_agents("Worker", "one", "two")], "one": [calls_agents("Helper", "three")]}
    host_for(Troupe(script))

    run = await ended(await launch_as("Boss", ada, "Plan."))

    assert run.status == "completed"
    assert {each.status for each in await tree_of(run)} == {"completed"}


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
