"""The tools that MCP clients call: each is one request to the API, or two."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import DatabaseError

from runs.agent.json_data.json_types import JsonObject
from runs.api.mcp.local_api import LocalApi, LocalReply
from runs.api.mcp.run_watch import Progress, watch
from runs.api.mcp.tool_arguments import (
    AnswerArguments,
    DecisionArguments,
    FollowArguments,
    LaunchArguments,
    MessageArguments,
    NoArguments,
    RunArguments,
    RunListArguments,
    StepsArguments,
    WaitingArguments,
)
from runs.api.request_schemas import StrictSchema
from runs.live.sockets.connections import NotAdmitted


@dataclass(frozen=True, slots=True)
class OfferedTool:
    """A tool of our MCP server. `call` raises nothing that the API answers with an error."""

    description: str
    arguments: type[StrictSchema]
    call: Callable[[LocalApi, Any, Progress], Awaitable[LocalReply]]
    is_read_only: bool = False
    is_repeatable: bool = False
    """Whether the same call twice does no more than once."""


async def _launch(api: LocalApi, asked: LaunchArguments, progress: Progress) -> LocalReply:
    body: JsonObject = {"files": [str(each) for each in asked.files], "inputs": asked.inputs}
    chosen = {"task": asked.task, "template": asked.template, "agent": asked.agent}
    body |= {name: value for name, value in chosen.items() if value is not None}
    headers = {"idempotency_key": asked.idempotency_key} if asked.idempotency_key else {}
    launched = await api.post("/runs", body, **headers)
    if launched.is_error or not asked.wait_s:
        return launched
    followed = await _followed(api, UUID(launched.body["id"]), asked.wait_s, progress)
    # A token that may launch but not read, or a database that went away: the run was launched all the same.
    return launched if followed.is_error else followed


async def _follow(api: LocalApi, asked: FollowArguments, progress: Progress) -> LocalReply:
    return await _followed(api, asked.run_id, asked.wait_s, progress)


async def _followed(api: LocalApi, run_id: UUID, wait_s: float, progress: Progress) -> LocalReply:
    before = await api.get(f"/runs/{run_id}")
    if before.is_error or before.caller is None:
        return before
    try:
        await watch(before.caller, run_id, wait_s, progress)
    except (NotAdmitted, DatabaseError):
        return before
    return await api.get(f"/runs/{run_id}")


async def _get(api: LocalApi, asked: RunArguments, _progress: Progress) -> LocalReply:
    return await api.get(f"/runs/{asked.run_id}")


async def _steps(api: LocalApi, asked: StepsArguments, _progress: Progress) -> LocalReply:
    return await api.get(f"/runs/{asked.run_id}/steps", after=asked.after)


async def _list(api: LocalApi, asked: RunListArguments, _progress: Progress) -> LocalReply:
    return await api.get("/runs", status=asked.status, q=asked.q, cursor=asked.cursor, limit=asked.limit)


async def _agents(api: LocalApi, _asked: NoArguments, _progress: Progress) -> LocalReply:
    return await api.get("/agents")


async def _waiting(api: LocalApi, asked: WaitingArguments, _progress: Progress) -> LocalReply:
    found: JsonObject = {}
    for name, path, state in (
        ("approvals", "/calls", "awaiting_approval"),
        ("unknown_outcomes", "/calls", "unknown"),
        ("questions", "/questions", "open"),
    ):
        reply = await api.get(path, state=state, waiting="true", limit=asked.limit)
        if reply.is_error:
            return reply
        found[name] = reply.body
    return LocalReply(200, found, None)


async def _decide(api: LocalApi, asked: DecisionArguments, _progress: Progress) -> LocalReply:
    if asked.decision in ("approve", "deny"):
        body: JsonObject = {"arguments_hash": asked.arguments_hash, "reason": asked.reason}
        return await api.post(f"/calls/{asked.call_id}/{asked.decision}", body)
    return await api.post(f"/calls/{asked.call_id}/settle", {"outcome": asked.decision, "reason": asked.reason})


async def _answer(api: LocalApi, asked: AnswerArguments, _progress: Progress) -> LocalReply:
    return await api.post(f"/questions/{asked.question_id}/answer", {"answer": asked.answer})


async def _send(api: LocalApi, asked: MessageArguments, _progress: Progress) -> LocalReply:
    headers = {"idempotency_key": asked.idempotency_key} if asked.idempotency_key else {}
    return await api.post(
        f"/runs/{asked.run_id}/messages", {"text": asked.text, "interrupt": asked.interrupt}, **headers
    )


async def _cancel(api: LocalApi, asked: RunArguments, _progress: Progress) -> LocalReply:
    return await api.post(f"/runs/{asked.run_id}/cancel")


OFFERED = {
    "launch_run": OfferedTool(
        "Launch a run of an agent. With `wait_s` it returns when the run has ended or waits for a person.",
        LaunchArguments,
        _launch,
    ),
    "list_agents": OfferedTool(
        "The agents that a run can be launched with, by name; one of them is the default.",
        NoArguments,
        _agents,
        is_read_only=True,
    ),
    "get_run": OfferedTool("A run: its status, answer, error and cost.", RunArguments, _get, is_read_only=True),
    "follow_run": OfferedTool(
        "Wait until a run has ended or waits for a person, with progress while it works.",
        FollowArguments,
        _follow,
        is_read_only=True,
    ),
    "list_steps": OfferedTool("The steps of a run after one.", StepsArguments, _steps, is_read_only=True),
    "list_runs": OfferedTool("Runs, newest first.", RunListArguments, _list, is_read_only=True),
    "list_waiting": OfferedTool(
        "What waits for a person: calls to approve, calls whose outcome is unknown, and questions.",
        WaitingArguments,
        _waiting,
        is_read_only=True,
    ),
    "decide_call": OfferedTool("Decide about a tool call that waits for a person.", DecisionArguments, _decide),
    "answer_question": OfferedTool(
        "Answer a question of an agent. The first answer counts.", AnswerArguments, _answer, is_repeatable=True
    ),
    "send_message": OfferedTool(
        "Send a message to a run in progress, which reads it before its next reply.", MessageArguments, _send
    ),
    "cancel_run": OfferedTool("Stop a run.", RunArguments, _cancel, is_repeatable=True),
}
"""By name."""
