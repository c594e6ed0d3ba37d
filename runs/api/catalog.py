"""What runs are made of: agents and tools."""

from django.http import HttpRequest, HttpResponse
from ninja import Router

from runs.agent.tools.registry import get_available_tools
from runs.api.answers import agent_as_json, answer
from runs.api.auth import may_read
from runs.api.schemas import AgentPage, ToolPage
from runs.models import Agent

router = Router(tags=["Agents and tools"])


@router.get("/agents", auth=may_read, response=AgentPage, operation_id="list_agents")
def list_agents(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  ninja passes it
    """List the agents a run can be launched with, by name."""
    return answer({"items": [agent_as_json(agent) for agent in Agent.objects.order_by("name")], "next": None})


@router.get("/tools", auth=may_read, response=ToolPage, operation_id="list_tools")
def list_tools(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  ninja passes it
    """List the tools agents may call, the built-in ones first."""
    return answer({"items": get_available_tools(), "next": None})
