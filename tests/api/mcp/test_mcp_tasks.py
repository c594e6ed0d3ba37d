"""Runs as MCP tasks, used by the client of the `mcp` package as the extension says."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal

import anyio
import httpx2
import pytest
from mcp.client.client import Client
from mcp.client.extension import ClaimContext, ClientExtension, ResultClaim
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, ElicitResult, Request, RequestParams, Result
from pydantic import ConfigDict

from tests.api.mcp.mcp_clients import ASKED, ERAS, over_http, over_stdio
from tests.live_site import LiveSite

EXTENSION = "io.modelcontextprotocol/tasks"


class TaskMade(Result):
    """The result of a call that has become a task."""

    model_config = ConfigDict(extra="allow")
    result_type: Literal["task"] = "task"
    task_id: str


class TaskState(Result):
    """The state of a task, as it is on the wire."""

    model_config = ConfigDict(extra="allow")


class Ask(Request[RequestParams, str]):
    """A request about a task."""

    method: str
    params: Any


async def ask(session: Any, method: str, task_id: str, **more: Any) -> dict[str, Any]:
    """Send a request about a task."""
    params = {"taskId": task_id, **more}
    result = await session.send_request(Ask(method=method, params=params), TaskState)
    state: dict[str, Any] = result.model_dump(by_alias=True)
    return state


async def until(client: Client, task_id: str, status: str) -> None:
    """Poll until the task has the status."""
    give_up_at = time.monotonic() + 20
    while (state := await ask(client.session, "tasks/get", task_id))["status"] != status:
        assert time.monotonic() < give_up_at, state
        await anyio.sleep(0.05)


class Tasks(ClientExtension):
    """A client that follows tasks to their end, and says what the person says."""

    identifier = EXTENSION

    def __init__(self, said: dict[str, Any] | None = None) -> None:
        self.said = said or {}
        self.states: list[dict[str, Any]] = []
        self.made: list[TaskMade] = []

    def claims(self) -> Sequence[ResultClaim[Any]]:
        return [ResultClaim(result_type="task", model=TaskMade, resolve=self.resolve)]

    async def resolve(self, made: TaskMade, context: ClaimContext) -> CallToolResult:
        self.made.append(made)
        with anyio.fail_after(30):
            while True:
                state = await ask(context.session, "tasks/get", made.task_id)
                self.states.append(state)
                if state["status"] in ("completed", "cancelled", "failed"):
                    return CallToolResult.model_validate(state.get("result") or {"content": []})
                if state["status"] == "input_required":
                    responses = {key: {"action": "accept", "content": self.said} for key in state["inputRequests"]}
                    await ask(context.session, "tasks/update", made.task_id, inputResponses=responses)
                await anyio.sleep(0.05)


async def nobody(*_: Any) -> ElicitResult:
    """A client that could ask a person."""
    return ElicitResult(action="cancel")


@asynccontextmanager
async def client_with(site: LiveSite, token: str, tasks: Tasks, *, asks: bool = True) -> AsyncIterator[Client]:
    """A client that knows tasks."""
    headers = {"Authorization": f"Bearer {token}"}
    more: dict[str, Any] = {"elicitation_callback": nobody} if asks else {}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=30) as http,
        Client(
            streamable_http_client(f"{site.url}/mcp", http_client=http), mode=ERAS[1], extensions=[tasks], **more
        ) as client,
    ):
        yield client


def test_a_launch_becomes_a_task_whose_person_approves_and_which_ends_with_the_answer(
    site: LiveSite,
    tokens: dict[str, str],
) -> None:
    async def use() -> None:
        tasks = Tasks({"decision": "approve"})
        async with client_with(site, tokens["ada"], tasks) as client:
            result = await client.call_tool("launch_run", {"task": "What is 17 * 23?", "agent": "Careful"})
        assert "391" in result.structured_content["answer"]
        (made,) = tasks.made
        assert made.task_id == result.structured_content["id"]
        statuses = [state["status"] for state in tasks.states]
        assert "input_required" in statuses and statuses[-1] == "completed"
        asked = next(state for state in tasks.states if state["status"] == "input_required")
        ((key, request),) = asked["inputRequests"].items()
        assert key.startswith("call:") and request["method"] == "elicitation/create"
        assert "calculator" in request["params"]["message"]
        for name in ("taskId", "createdAt", "lastUpdatedAt", "ttlMs", "pollIntervalMs"):
            assert name in asked

    anyio.run(use)


def test_a_question_is_answered_through_its_task(site: LiveSite, tokens: dict[str, str]) -> None:
    question_id = site.ask(ASKED)
    run_id = site.ask(f"from runs.models import Question; print(Question.objects.get(pk={question_id!r}).call.run_id)")

    async def use() -> None:
        tasks = Tasks()
        async with client_with(site, tokens["ada"], tasks) as client:
            state = await ask(client.session, "tasks/get", run_id)
            ((key, request),) = state["inputRequests"].items()
            assert request["params"]["message"] == "Where?"
            nothing: list[dict[str, Any]] = [
                {key: {"action": "cancel"}},
                {key: {"action": "decline"}},
                {"call:x:y": {}},
                {key: "text"},
            ]
            for said in nothing:
                assert await ask(client.session, "tasks/update", run_id, inputResponses=said) is not None
            assert (await ask(client.session, "tasks/get", run_id))["status"] == "input_required"
            answer = {key: {"action": "accept", "content": {"answer": "Here."}}}
            await ask(client.session, "tasks/update", run_id, inputResponses=answer)
            await ask(client.session, "tasks/update", run_id, inputResponses=answer)

    anyio.run(use)
    told = f"from runs.models import Question; q = Question.objects.get(pk={question_id!r}); print(q.state, q.answer)"
    assert site.ask(told) == "answered Here."


def test_a_task_that_is_cancelled_stops_its_run(site: LiveSite, tokens: dict[str, str]) -> None:
    async def use() -> None:
        tasks = Tasks()
        async with client_with(site, tokens["ada"], tasks, asks=False) as client:
            arguments = {"task": "What is 17 * 23?", "agent": "Careful", "wait_s": 20}
            made = await client.session.call_tool("launch_run", arguments, allow_claimed=True)
            state = await ask(client.session, "tasks/get", made.task_id)
            # The client can ask nobody, so the task goes on until somebody decides elsewhere.
            assert state["status"] == "working" and "approval" in state["statusMessage"]
            await ask(client.session, "tasks/cancel", made.task_id)
            await until(client, made.task_id, "cancelled")

    anyio.run(use)


def test_a_run_that_has_ended_is_a_result_and_no_task(site: LiveSite, tokens: dict[str, str]) -> None:
    async def use() -> None:
        tasks = Tasks()
        async with client_with(site, tokens["ada"], tasks) as client:
            result = await client.call_tool("launch_run", {"task": "What is 17 * 23?", "wait_s": 20})
            assert "391" in result.structured_content["answer"]
            again = await client.call_tool("follow_run", {"run_id": result.structured_content["id"]})
            assert "391" in again.structured_content["answer"]
        assert not tasks.made

    anyio.run(use)


@pytest.mark.parametrize("era", ERAS)
def test_a_client_that_knows_no_tasks_gets_none(site: LiveSite, tokens: dict[str, str], era: str) -> None:
    async def use() -> None:
        async with over_http(site, tokens["ada"], era) as client:
            result = await client.call_tool("launch_run", {"task": "What is 17 * 23?", "agent": "Careful"})
            assert result.structured_content["id"]
            with pytest.raises(MCPError) as refused:
                await ask(client.session, "tasks/get", result.structured_content["id"])
            assert refused.value.code == (-32021 if era == ERAS[1] else -32601)

    anyio.run(use)


def test_tasks_are_those_of_the_person_and_the_scopes_of_the_token_count(
    site: LiveSite,
    tokens: dict[str, str],
) -> None:
    async def use() -> None:
        async with over_http(site, tokens["ada"], ERAS[1]) as ada:
            launched = await ada.call_tool("launch_run", {"task": "What is 17 * 23?", "agent": "Careful", "wait_s": 20})
        run_id = launched.structured_content["id"]
        async with client_with(site, tokens["ada"], Tasks()) as ada:
            (key,) = (await ask(ada.session, "tasks/get", run_id))["inputRequests"]
        approve = {key: {"action": "accept", "content": {"decision": "approve"}}}
        async with client_with(site, tokens["eve"], Tasks()) as eve:
            for method, more in (
                ("tasks/get", {}),
                ("tasks/cancel", {}),
                ("tasks/update", {"inputResponses": approve}),
            ):
                for task_id in (run_id, "no id", "", "../runs"):
                    with pytest.raises(MCPError) as refused:
                        await ask(eve.session, method, task_id, **more)
                    assert refused.value.code == -32602
        async with client_with(site, tokens["reader"], Tasks()) as reader:
            assert (await ask(reader.session, "tasks/get", run_id))["status"] == "input_required"
            for method, more in (("tasks/cancel", {}), ("tasks/update", {"inputResponses": approve})):
                with pytest.raises(MCPError, match="scope"):
                    await ask(reader.session, method, run_id, **more)
            many: dict[str, Any] = {str(n): {} for n in range(101)}
            with pytest.raises(MCPError, match="At most 100"):
                await ask(reader.session, "tasks/update", run_id, inputResponses=many)
        async with over_http(site, tokens["ada"], ERAS[1]) as ada:
            run = (await ada.call_tool("get_run", {"run_id": run_id})).structured_content
        assert run["waiting_for"] == "approval"

    anyio.run(use)


def test_a_decision_is_about_the_arguments_that_were_shown(site: LiveSite, tokens: dict[str, str]) -> None:
    async def use() -> None:
        async with client_with(site, tokens["ada"], Tasks(), asks=True) as client:
            arguments = {"task": "What is 17 * 23?", "agent": "Careful", "wait_s": 20}
            made = await client.session.call_tool("launch_run", arguments, allow_claimed=True)
            (key,) = (await ask(client.session, "tasks/get", made.task_id))["inputRequests"]
            other = f"{key.rpartition(':')[0]}:{'0' * 64}"
            said = {other: {"action": "accept", "content": {"decision": "approve"}}}
            with pytest.raises(MCPError):
                await ask(client.session, "tasks/update", made.task_id, inputResponses=said)
            assert (await ask(client.session, "tasks/get", made.task_id))["status"] == "input_required"
            deny = {key: {"action": "decline"}}
            await ask(client.session, "tasks/update", made.task_id, inputResponses=deny)
            await until(client, made.task_id, "completed")

    anyio.run(use)


@pytest.mark.parametrize("over", ["http", "stdio"])
def test_the_extension_is_declared(site: LiveSite, tokens: dict[str, str], over: str) -> None:
    async def use() -> None:
        opened = (
            over_http(site, tokens["ada"], "auto") if over == "http" else over_stdio(site.data, tokens["ada"], "auto")
        )
        async with opened as client:
            assert EXTENSION in (client.server_capabilities.extensions or {})

    anyio.run(use)
