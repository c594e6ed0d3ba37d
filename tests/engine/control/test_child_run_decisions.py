"""Child runs beside questions and approvals."""

from collections.abc import Callable

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User

from runs.agent.providers.scripted import calls_tool, calls_tools
from runs.engine import control
from runs.engine.hosting.host import RunHost
from runs.models import Agent, Run, Surface, ToolCall
from tests.engine.conftest import ended, reached
from tests.engine.control.decision_fixtures import calls_of
from tests.engine.control.tree_fixtures import (
    Troupe,
    calls_agents,
    child_of,
    launch_as,
    tree_of,
)

pytestmark = pytest.mark.django_db(transaction=True)

StartHost = Callable[..., RunHost]


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
    await answer(asked.pk, by=ada, answer="Here.", surface=Surface.PAGE)
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
