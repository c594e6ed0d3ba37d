"""Runs whose MCP server wants a sign-in: they wait for it as for an answer, and the call goes on."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.test import Client

from runs.agent.providers.scripted import ScriptedModel, answers, calls_tool
from runs.agent.tools.person_questions import PersonAsked
from runs.engine import control
from runs.engine.hosting.host import RunHost
from runs.models import Agent, Question, ServerSignIn, Surface, ToolSource
from tests.engine.conftest import ended, launch, reached, steps_of
from tests.engine.mcp.mcp_fixtures import McpSite
from tests.engine.mcp.oauth_fixtures import PAGE, AuthorizationServerDouble, sign_in

HostFor = Callable[..., RunHost]


@pytest.fixture
def staff(mcp_site: McpSite) -> Client:
    """The browser of a person who may do everything."""
    browser = Client()
    browser.force_login(User.objects.create_superuser("staff"))
    return browser


@pytest.fixture
def source(
    mcp_site: McpSite,
    staff: Client,
    oauth: AuthorizationServerDouble,
    assistant: Agent,
) -> ToolSource:
    """The server, signed in at by staff for everybody, with all its tools on, for the agent too."""
    staff.post("/tools/servers/", {"name": "test", "url": oauth.url})
    sign_in(staff, oauth)
    staff.post(f"{PAGE}check/")
    source = ToolSource.objects.get()
    mcp_site.turn_all_on(source)
    Agent.objects.filter(pk=assistant.pk).update(tools=["test__add"], approval="never")
    return source


async def asks(run: Any) -> Any:
    """The run's row, once it waits for an answer."""
    return await reached(run, lambda row: row.waiting_for == "answer" or row.is_finished)


def adds(*numbers: int) -> ScriptedModel:
    """A model that makes one call for each number."""
    return ScriptedModel(*[calls_tool("test__add", a=each, b=1) for each in numbers], answers("Done."))


async def results_of(run: Any) -> list[str]:
    """The results of the run's calls."""
    return [str(step.tool_output) for step in await steps_of(run) if step.kind == "tool_result"]


async def test_a_token_that_ends_in_a_run_is_renewed_and_the_run_sees_nothing_of_it(
    source: ToolSource,
    staff: Client,
    oauth: AuthorizationServerDouble,
    ada: User,
    host_for: HostFor,
) -> None:
    oauth.control(life_s=1)
    await sync_to_async(sign_in)(staff, oauth)
    host_for(adds(1, 2, 3))

    run = await launch(ada)

    row = await ended(run)
    assert (row.status, await results_of(run)) == ("completed", ["2", "3", "4"])
    seen = oauth.control()
    assert seen["refreshed"] >= 3 and seen["refused"] == []
    told = str([step.__dict__ for step in await steps_of(run)])
    assert "access-" not in told and "refresh-" not in told


async def test_a_run_waits_for_a_new_sign_in_with_its_link_and_goes_on_after_it(
    source: ToolSource,
    staff: Client,
    oauth: AuthorizationServerDouble,
    ada: User,
    host_for: HostFor,
) -> None:
    oauth.control(end_all=True)
    host_for(adds(1))
    run = await launch(ada)

    assert (await asks(run)).waiting_for == "answer"
    question = await Question.objects.aget(call__run=run)
    assert "test wants a sign-in" in question.text
    way = f"/runs/{run.pk}/questions/{question.pk}/?sign-in"
    page = await sync_to_async(staff.get)(f"/runs/{run.pk}/")
    assert f'href="{way}"' in page.content.decode()
    led = await sync_to_async(staff.get)(way)
    assert led["Location"] == f"{PAGE}sign-in/?run={run.pk}"
    shown = await sync_to_async(sign_in)(staff, oauth)

    assert "What waited for it goes on." in shown.content.decode()
    assert ((await ended(run)).status, await results_of(run)) == ("completed", ["2"])


async def test_the_run_of_each_person_waits_for_the_sign_in_of_that_person(
    source: ToolSource,
    staff: Client,
    oauth: AuthorizationServerDouble,
    ada: User,
    host_for: HostFor,
) -> None:
    await sync_to_async(sign_in)(staff, oauth, "person")
    host_for(adds(1))
    run = await launch(ada)
    browser = Client()
    await browser.aforce_login(ada)

    assert (await asks(run)).waiting_for == "answer"
    await sync_to_async(sign_in)(staff, oauth, "person")
    assert await Question.objects.filter(call__run=run, state="open").aexists()
    await sync_to_async(sign_in)(browser, oauth)

    assert (await ended(run)).status == "completed"
    assert await ServerSignIn.objects.filter(source=source, user=ada).aexists()


async def test_a_run_goes_on_without_a_sign_in_if_a_person_says_so(
    source: ToolSource,
    oauth: AuthorizationServerDouble,
    ada: User,
    host_for: HostFor,
) -> None:
    oauth.control(end_all=True)
    host_for(adds(1))
    run = await launch(ada)

    await asks(run)
    question = await Question.objects.aget(call__run=run)
    give = sync_to_async(control.answer, thread_sensitive=False)
    await give(question.pk, by=ada, answer="Go on without it", surface=Surface.PAGE)

    assert (await ended(run)).status == "completed"
    [told] = [step.content for step in await steps_of(run) if step.kind == "tool_result"]
    assert "nobody signed in" in told


async def test_calls_under_way_end_in_the_session_they_began_with_when_the_way_to_sign_in_changes(
    source: ToolSource, mcp_site: McpSite, staff: Client, oauth: AuthorizationServerDouble
) -> None:
    connection = await mcp_site.connection(source)
    call = asyncio.create_task(mcp_site.call("test__sleep", seconds=1))

    async def is_under_way() -> bool:
        return connection.live is not None and connection.live.in_flight == 1

    await mcp_site.until(is_under_way)
    page = await sync_to_async(staff.post)(f"{PAGE}sign-in/", {"mode": "person"})

    assert page.status_code == 200
    assert not call.done()
    assert await call == "slept"

    async def is_closed() -> bool:
        return connection.live is None

    await mcp_site.until(is_closed)
    with pytest.raises(PersonAsked) as asked:
        await mcp_site.call("test__add", a=1, b=1)
    assert "test wants a sign-in" in asked.value.question.text


async def test_a_call_that_wants_a_further_scope_waits_for_a_sign_in_with_all_scopes_together(
    source: ToolSource, staff: Client, oauth: AuthorizationServerDouble, ada: User, host_for: HostFor
) -> None:
    assert oauth.control()["scope"] == "tools"
    oauth.control(wants_scope="tools:write")
    host_for(adds(1, 2))
    run = await launch(ada)

    assert (await asks(run)).waiting_for == "answer"
    await sync_to_async(sign_in)(staff, oauth)

    assert ((await ended(run)).status, await results_of(run)) == ("completed", ["2", "3"])
    assert oauth.control()["scope"] == "tools tools:write"
    oauth.control(wants_scope="tools:write tools:delete")
    run = await launch(ada)
    assert (await asks(run)).waiting_for == "answer"
    await sync_to_async(sign_in)(staff, oauth)
    assert (await ended(run)).status == "completed"
    assert oauth.control()["scope"] == "tools tools:write tools:delete"
