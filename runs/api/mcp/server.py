"""Our MCP server, in both eras of the protocol: tools, and templates as prompts, for the holder of one token."""

import json
from collections.abc import Callable
from typing import Any

from mcp.server.lowlevel.server import Server
from mcp_types import (
    CallToolRequestParams,
    CallToolResult,
    GetPromptRequestParams,
    GetPromptResult,
    ListPromptsResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    Tool,
    ToolAnnotations,
)
from pydantic import ValidationError

from runs.agent.json_data.json_types import JsonObject
from runs.api.mcp.local_api import LocalApi
from runs.api.mcp.prompts import filled_prompt, listed_prompts
from runs.api.mcp.tasks import TASK_TOOLS, created_task, knows_tasks, offer_tasks
from runs.api.mcp.tools import OFFERED, OfferedTool
from runs.api.validation_faults import faults_in_words

INSTRUCTIONS = (
    "Agentsite runs AI agents. list_agents names them, launch_run starts a run of one, or of a template, "
    "follow_run waits for it. list_waiting shows what waits for a person, decide_call and answer_question settle it."
)


def server_of(api: LocalApi, notice: Callable[[], str] = str) -> "Server[Any]":
    """A server that asks `api`. `notice` is added to each launch: why nobody may work on the run; empty if somebody
    does."""

    async def list_tools(_context: Any, _params: PaginatedRequestParams | None) -> ListToolsResult:
        return ListToolsResult(tools=[_described(name, tool) for name, tool in OFFERED.items()])

    async def call_tool(context: Any, params: CallToolRequestParams) -> CallToolResult | JsonObject:
        tool = OFFERED.get(params.name)
        if tool is None:
            return _refused(f"There is no tool {params.name[:80]!r}.")
        try:
            arguments = tool.arguments.model_validate(params.arguments or {})
        except ValidationError as error:
            return _refused(faults_in_words(error.errors(include_url=False), "The arguments"))

        async def progress(sequence: float, words: str) -> None:
            await context.session.report_progress(sequence, None, words)

        reply = await tool.call(api, arguments, progress)
        body = reply.body
        words = notice() if params.name == "launch_run" and not reply.is_error else ""
        if params.name in TASK_TOOLS and not reply.is_error and knows_tasks(context) and (task := created_task(body)):
            return task | ({"statusMessage": words} if words else {})
        if words:
            body = body | {"notice": words}
        return _result(body, is_error=reply.is_error)

    async def list_prompts(_context: Any, params: PaginatedRequestParams | None) -> ListPromptsResult:
        return await listed_prompts(api, params)

    async def get_prompt(_context: Any, params: GetPromptRequestParams) -> GetPromptResult:
        return await filled_prompt(api, params)

    server: Server[Any] = Server(
        "agentsite",
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_list_prompts=list_prompts,
        on_get_prompt=get_prompt,
    )
    # Not `on_call_tool`: its type knows no result of an extension.
    server.add_request_handler("tools/call", CallToolRequestParams, call_tool)
    offer_tasks(server, api, lambda run: _result(run, is_error=False).model_dump(by_alias=True, exclude_none=True))
    return server


def _described(name: str, tool: OfferedTool) -> Tool:
    hints = ToolAnnotations(
        read_only_hint=tool.is_read_only,
        idempotent_hint=tool.is_read_only or tool.is_repeatable,
        destructive_hint=not tool.is_read_only,
    )
    schema = tool.arguments.model_json_schema()
    return Tool(name=name, description=tool.description, input_schema=schema, annotations=hints)


def _result(body: JsonObject, *, is_error: bool) -> CallToolResult:
    return CallToolResult(
        content=[TextContent(type="text", text=json.dumps(body, ensure_ascii=False))],
        structured_content=body,
        is_error=is_error,
    )


def _refused(words: str) -> CallToolResult:
    return _result({"error": {"code": "invalid", "message": words}}, is_error=True)
