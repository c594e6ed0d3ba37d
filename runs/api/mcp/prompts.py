"""Templates as the prompts of our MCP server: a client lists them, asks for the inputs, and gets the filled task."""

from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    GetPromptRequestParams,
    GetPromptResult,
    ListPromptsResult,
    PaginatedRequestParams,
    Prompt,
    PromptArgument,
    PromptMessage,
    TextContent,
)

from runs.agent.json_data.json_types import JsonObject
from runs.agent.task_templates.inputs import InputType, TemplateInput, stored_inputs
from runs.api.mcp.local_api import LocalApi, LocalReply

_TYPE_WORDS = {
    InputType.NUMBER: "A number.",
    InputType.DATE: "A date, such as 2026-11-22.",
    InputType.FILE: "The id of an uploaded file.",
}


async def listed_prompts(api: LocalApi, params: PaginatedRequestParams | None) -> ListPromptsResult:
    """A page of the templates that the holder of the token may see."""
    reply = await api.get("/templates", cursor=(params.cursor if params else None) or "", limit=100)
    body = _body_of(reply)
    return ListPromptsResult(prompts=[_prompt(each) for each in body["items"]], next_cursor=body["next"])


async def filled_prompt(api: LocalApi, params: GetPromptRequestParams) -> GetPromptResult:
    """The task of the template `agent/name` with these inputs, as a message of the user."""
    reply = await api.post("/templates/fill", {"template": params.name, "inputs": dict(params.arguments or {})})
    body = _body_of(reply)
    message = PromptMessage(role="user", content=TextContent(type="text", text=body["task"]))
    return GetPromptResult(description=body["description"] or None, messages=[message])


def _prompt(template: JsonObject) -> Prompt:
    return Prompt(
        name=f"{template['agent']}/{template['name']}",
        title=template["name"],
        description=template["description"] or None,
        arguments=[_argument(each) for each in stored_inputs(template["inputs"])],
    )


def _argument(of: TemplateInput) -> PromptArgument:
    words = [of.help, _TYPE_WORDS.get(of.type, ""), f"One of: {', '.join(of.choices)}." if of.choices else ""]
    words.append(f"Default: {of.default}." if of.default else "")
    return PromptArgument(
        name=of.name,
        title=of.title,
        description=" ".join(filter(None, words)) or None,
        required=of.required and not of.default,
    )


def _body_of(reply: LocalReply) -> JsonObject:
    if reply.is_error:
        raise MCPError(INVALID_PARAMS, str(reply.body["error"]["message"]))
    return reply.body
