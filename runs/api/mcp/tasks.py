"""Runs as tasks of MCP: the extension `io.modelcontextprotocol/tasks` of the revision 2026-07-28.

A task is a run, and its id is the run's: nothing else is stored, so a task outlives every process. `launch_run` and
`follow_run` answer with a task if the run has not ended, to clients that say they know tasks. A task that waits for a
person asks its client for what the person would say, if the client can ask one.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import UUID

from mcp.server.lowlevel.server import Server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    RequestParams,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from runs.agent.json_data.json_types import JsonObject
from runs.api.mcp.local_api import LocalApi, LocalReply
from runs.api.mcp.task_inputs import input_requests, settle
from runs.models import Run

EXTENSION: Final = "io.modelcontextprotocol/tasks"
TASK_TOOLS: Final = ("launch_run", "follow_run")
"""The tools whose result may be a task."""
POLL_MS: Final = 2_000
MOST_RESPONSES: Final = 100
_REQUIRED: Final[JsonObject] = {"requiredCapabilities": {"extensions": {EXTENSION: {}}}}
ResultOf = Callable[[JsonObject], JsonObject]
"""The result of a call, of the run that it is about."""


class TaskParams(RequestParams):
    """Which task."""

    task_id: str


class UpdateParams(TaskParams):
    """What a client says for the person whom a task waits for."""

    input_responses: dict[str, Any] = {}


def knows_tasks(context: Any) -> bool:
    """True if this request may be answered with a task: in the older era there is no result of that shape."""
    capabilities = context.session.client_capabilities
    return _is_modern(context) and capabilities is not None and EXTENSION in (capabilities.extensions or {})


def created_task(run: JsonObject) -> JsonObject | None:
    """The result of a call with the run as a task; None if it has ended already, or if the token may not read it."""
    if run.get("status") in Run.FINAL or "answer" not in run or run.get("task") is None:
        return None
    return {"resultType": "task", **_task(run, "working")}


def offer_tasks(server: "Server[Any]", api: LocalApi, result_of: ResultOf) -> None:
    """Serve the requests about tasks. `result_of` is the result of a call that has ended with the run."""

    async def get(context: Any, params: TaskParams) -> JsonObject:
        _check(context)
        run = await _run(api, params.task_id)
        return await _state(api, run, context, result_of)

    async def update(context: Any, params: UpdateParams) -> JsonObject:
        _check(context)
        run = await _run(api, params.task_id)
        if len(params.input_responses) > MOST_RESPONSES:
            raise MCPError(INVALID_PARAMS, f"At most {MOST_RESPONSES} responses are taken at once.")
        for key, response in params.input_responses.items():
            _checked(await settle(api, run["id"], key, response))
        return {}

    async def cancel(context: Any, params: TaskParams) -> JsonObject:
        _check(context)
        run = await _run(api, params.task_id)
        _checked(await api.post(f"/runs/{run['id']}/cancel"))
        return {}

    server.extensions[EXTENSION] = {}
    handlers: dict[str, tuple[type[TaskParams], Callable[[Any, Any], Awaitable[JsonObject]]]] = {
        "tasks/get": (TaskParams, get),
        "tasks/update": (UpdateParams, update),
        "tasks/cancel": (TaskParams, cancel),
    }
    for method, (params, handler) in handlers.items():
        server.add_request_handler(method, params, handler)


def _is_modern(context: Any) -> bool:
    return context.protocol_version in MODERN_PROTOCOL_VERSIONS


def _check(context: Any) -> None:
    if not _is_modern(context):
        raise MCPError(METHOD_NOT_FOUND, "Runs are tasks from the revision 2026-07-28 on.")
    if not knows_tasks(context):
        raise MCPError(MISSING_REQUIRED_CLIENT_CAPABILITY, f"The client does not declare {EXTENSION}.", _REQUIRED)


async def _run(api: LocalApi, task_id: str) -> JsonObject:
    """The run. Raises `MCPError`."""
    try:
        run_id = UUID(task_id)
    except ValueError:
        raise MCPError(INVALID_PARAMS, "There is no such task.") from None
    return _checked(await api.get(f"/runs/{run_id}")).body


def _checked(reply: LocalReply | None) -> LocalReply:
    """The reply, if it is none of an error. Raises `MCPError` with the words of the API."""
    if reply is None:
        return LocalReply(200, {}, None)
    if reply.is_error:
        words = str(reply.body.get("error", {}).get("message", "The request was refused."))
        raise MCPError(INTERNAL_ERROR if reply.status >= 429 else INVALID_PARAMS, words, reply.body)
    return reply


async def _state(api: LocalApi, run: JsonObject, context: Any, result_of: ResultOf) -> JsonObject:
    if run["status"] == Run.Status.CANCELLED:
        return _task(run, "cancelled")
    if run["status"] in Run.FINAL:
        # A run that failed is a result of its call, and no failure of the protocol.
        return _task(run, "completed") | {"result": result_of(run)}
    if asked := await input_requests(api, run, context.session.client_capabilities):
        return _task(run, "input_required") | {"inputRequests": asked}
    return _task(run, "working")


def _task(run: JsonObject, status: str) -> JsonObject:
    task: JsonObject = {
        "taskId": run["id"],
        "status": status,
        "createdAt": run["created_at"],
        "lastUpdatedAt": run["ended_at"] or run["started_at"] or run["created_at"],
        "ttlMs": None,
        "pollIntervalMs": POLL_MS,
    }
    if waiting := run["waiting_for"]:
        task["statusMessage"] = f"The run waits: {waiting}."
    return task
