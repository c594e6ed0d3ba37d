"""Servers of the older era that ask more than once, and whose questions nobody answers."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from runs.agent.providers.scripted import ScriptedModel, answers, calls_tool
from runs.agent.tools.call_attempt import call_tool
from runs.agent.tools.registry import registered_tools
from runs.engine.mcp import connection as connections
from runs.engine.mcp import held_calls
from runs.models import Agent, Question, ToolSource
from tests.engine.conftest import ended, launch, steps_of
from tests.engine.control.test_cancel import cancel
from tests.engine.mcp.mcp_fixtures import McpSite
from tests.engine.mcp.test_mcp_hostile import shows
from tests.engine.mcp.test_mcp_questions import HostFor, answered, asked_again, asks

SERVER = str(Path(__file__).with_name("asking_server.py"))
TOO_MANY = "It had more than 16 open requests to this site."


@pytest.fixture
async def asking(mcp_site: McpSite, assistant: Agent) -> ToolSource:
    """The server that asks, whose tools the agent has."""
    source = await mcp_site.add_command("asking", {"command": sys.executable, "args": [SERVER]})
    names = ["asking__ask", "asking__ask_twice"]
    await Agent.objects.filter(pk=assistant.pk).aupdate(tools=names, approval="never")
    return source


@pytest.fixture
def asking_url() -> Iterator[str]:
    """The address of the server that asks over HTTP."""
    with subprocess.Popen([sys.executable, SERVER, "--http"], stdout=subprocess.PIPE, text=True) as process:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/mcp"
        process.kill()


async def question_of(run: Any) -> str:
    """The text of the run's open question."""
    return (await Question.objects.aget(call__run=run, state="open")).text


async def result_of(run: Any) -> str:
    """The output of its only call."""
    row = await ended(run)
    assert row.status == "completed", row.error
    [result] = [step for step in await steps_of(run) if step.kind == "tool_result"]
    return str(result.tool_output)


async def test_of_two_questions_of_one_call_each_is_asked_and_gets_its_own_answer(
    asking: ToolSource, ada: User, host_for: HostFor
) -> None:
    host_for(ScriptedModel(calls_tool("asking__ask_twice"), answers("Done.")))
    run = await launch(ada)

    await asks(run)
    assert await question_of(run) == "asking asks: May I read it?"
    await answered(run, ada, "Yes")
    await asked_again(run)
    assert await question_of(run) == "asking asks: May I delete it?"
    await answered(run, ada, "No")

    assert await result_of(run) == "read: accept, delete: decline"


async def test_the_answer_to_a_question_that_was_withdrawn_is_given_to_no_other(
    mcp_site: McpSite, asking: ToolSource, ada: User, host_for: HostFor
) -> None:
    host_for(ScriptedModel(calls_tool("asking__ask"), answers("Done.")))
    run = await launch(ada)
    await asks(run)
    assert await mcp_site.call("asking__plain") == "plain"  # the server withdraws its question, and asks another one

    await answered(run, ada, "Yes")
    await asked_again(run)
    assert await question_of(run) == "asking asks: May I delete it?"
    await answered(run, ada, "No")

    assert await result_of(run) == "one-again: decline"


async def test_the_call_of_a_stopped_run_is_given_up_and_its_connection_may_rest(
    mcp_site: McpSite, asking: ToolSource, ada: User, host_for: HostFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held_calls, "CHECK_S", 0.02)
    host_for(ScriptedModel(calls_tool("asking__ask")))
    run = await launch(ada)
    await asks(run)
    live = (await mcp_site.connection(asking)).live
    assert live.in_flight == 1

    await cancel(run, ada)

    async def is_given_up() -> bool:
        return live.in_flight == 0

    await mcp_site.until(is_given_up)
    assert not live.is_over


async def test_a_call_that_waits_for_a_person_keeps_no_other_run_from_being_asked(
    asking: ToolSource, ada: User, host_for: HostFor
) -> None:
    host_for(ScriptedModel(calls_tool("asking__ask"), answers("Done.")))
    first = await launch(ada)
    await asks(first)
    second = await launch(ada)

    assert (await asks(second)).waiting_for == "answer"
    await answered(second, ada, "No")
    assert await result_of(second) == "one: decline"


async def test_a_call_is_not_held_longer_than_its_time(
    mcp_site: McpSite, asking: ToolSource, ada: User, host_for: HostFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held_calls, "WAITS_S", 0.3)
    host_for(ScriptedModel(calls_tool("asking__ask"), answers("Done.")))
    run = await launch(ada)
    await asks(run)
    live = (await mcp_site.connection(asking)).live

    async def is_given_up() -> bool:
        return live.in_flight == 0

    await mcp_site.until(is_given_up)
    await answered(run, ada, "Yes")
    assert (await ended(run)).waiting_for == "decision"


async def test_the_oldest_of_too_many_held_calls_is_given_up(
    mcp_site: McpSite, asking: ToolSource, ada: User, host_for: HostFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(held_calls, "MOST_WAITING", 1)
    host_for(ScriptedModel(calls_tool("asking__ask"), answers("Done.")))
    await asks(await launch(ada))
    second = await launch(ada)
    await asks(second)

    assert (await mcp_site.connection(asking)).live.in_flight == 1
    await answered(second, ada, "Yes")
    assert await result_of(second) == "one: accept"


@pytest.mark.experiment
@pytest.mark.parametrize("tool", ["pings", "questions"])
async def test_a_server_that_asks_and_asks_and_reads_no_answer_is_ended_with_the_reason(
    mcp_site: McpSite, asking: ToolSource, monkeypatch: pytest.MonkeyPatch, tool: str
) -> None:
    monkeypatch.setattr(connections, "TICK_S", 0.05)

    _, error, _ = await call_tool(registered_tools()[f"asking__{tool}"], {}, timeout_s=30)

    assert error is not None
    await shows(mcp_site, asking, TOO_MANY)


async def test_a_server_over_http_that_pings_and_takes_no_answer_is_ended_with_the_reason(
    mcp_site: McpSite, asking_url: str
) -> None:
    source = await mcp_site.add("asking", url=asking_url)

    _, error, _ = await call_tool(registered_tools()["asking__plain"], {}, timeout_s=30)

    assert error is not None
    await shows(mcp_site, source, TOO_MANY)
