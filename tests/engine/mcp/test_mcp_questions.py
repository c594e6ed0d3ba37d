"""What an MCP server asks in the middle of a call: a question of the run, and the call goes on with its answer."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User

from runs.agent.providers.scripted import ScriptedModel, answers, calls_tool
from runs.agent.tools.call_attempt import call_tool
from runs.agent.tools.registry import registered_tools
from runs.engine import control
from runs.engine.hosting.host import RunHost
from runs.engine.mcp.pool import close_connections
from runs.models import Agent, Question, Surface
from tests.engine.conftest import ended, launch, reached, steps_of
from tests.engine.mcp.mcp_fixtures import McpSite

HostFor = Callable[..., RunHost]


async def answered(run: Any, user: User, answer: Any) -> None:
    """A person answers the open question of the run."""
    question = await Question.objects.aget(call__run=run, state="open")
    give = partial(control.answer, question.pk, by=user, answer=answer, surface=Surface.PAGE)
    await sync_to_async(give, thread_sensitive=False)()


async def asked_again(run: Any) -> None:
    """Return once the run asks its second question."""
    row = await reached(run, lambda row: row.is_finished or row.last_sequence > 0)
    while not await Question.objects.filter(call__run=run, round=2).aexists():
        assert not row.is_finished, row.error
        row = await reached(run, partial(_has_gone_on, row.last_sequence))
    await asks(run)


def _has_gone_on(sequence: int, row: Any) -> bool:
    return bool(row.is_finished or row.last_sequence > sequence)


async def asks(run: Any) -> Any:
    """The run's row, once it waits for an answer."""
    return await reached(run, lambda row: row.waiting_for == "answer" or row.is_finished)


@pytest.mark.parametrize("restarts", [False, True], ids=["same process", "after a restart"])
async def test_required_input_is_asked_of_a_person_and_the_call_goes_on_with_its_state(
    mcp_site: McpSite, ada: User, assistant: Agent, host_for: HostFor, restarts: bool
) -> None:
    await mcp_site.add("test")
    await Agent.objects.filter(pk=assistant.pk).aupdate(tools=["test__ask"], approval="never")
    script = [calls_tool("test__ask", again=True), answers("Hello.")]
    host = host_for(ScriptedModel(*script))
    run = await launch(ada)

    assert (await asks(run)).waiting_for == "answer"
    question = await Question.objects.aget(call__run=run)
    assert (question.text, question.kind) == ("test asks: What is name 1?", "form")
    if restarts:
        await host.drain()
        await close_connections()
        host_for(ScriptedModel(*script))
    await answered(run, ada, {"name": "Ada"})
    await asked_again(run)
    await answered(run, ada, {"name": "Lovelace"})
    row = await ended(run)

    assert row.status == "completed", row.error
    [result] = [step for step in await steps_of(run) if step.kind == "tool_result"]
    assert json.loads(str(result.tool_output)) == [["accept", {"name": "Ada"}], ["accept", {"name": "Lovelace"}]]


async def test_a_call_of_the_older_era_waits_in_its_session_for_the_answer(
    mcp_site: McpSite, ada: User, assistant: Agent, host_for: HostFor
) -> None:
    await mcp_site.add("test", "--legacy")
    await Agent.objects.filter(pk=assistant.pk).aupdate(tools=["test__ask"], approval="never")
    host_for(ScriptedModel(calls_tool("test__ask"), answers("Hello.")))
    run = await launch(ada)

    assert (await asks(run)).waiting_for == "answer"
    await answered(run, ada, {"name": "Ada"})
    row = await ended(run)

    assert row.status == "completed", row.error
    [result] = [step for step in await steps_of(run) if step.kind == "tool_result"]
    assert result.tool_output == "accept {'name': 'Ada'}"


async def test_a_call_of_the_older_era_whose_session_has_ended_has_an_unknown_outcome(
    mcp_site: McpSite, ada: User, assistant: Agent, host_for: HostFor
) -> None:
    await mcp_site.add("test", "--legacy")
    await Agent.objects.filter(pk=assistant.pk).aupdate(tools=["test__ask"], approval="never")
    host_for(ScriptedModel(calls_tool("test__ask"), answers("Hello.")))
    run = await launch(ada)

    await asks(run)
    await close_connections()
    await answered(run, ada, {"name": "Ada"})

    assert (await ended(run)).waiting_for == "decision"


async def test_where_nobody_can_be_asked_the_call_fails(mcp_site: McpSite) -> None:
    await mcp_site.add("test")

    _, error, _ = await call_tool(registered_tools()["test__ask"], {}, timeout_s=10)

    assert error is not None and "would have to wait" in error.message
