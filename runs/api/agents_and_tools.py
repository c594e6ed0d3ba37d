"""Endpoints of agents and tools."""

from django.http import HttpRequest, HttpResponse
from ninja import Router

from runs.agent.tools.registry import get_available_tools
from runs.api.auth import may_read
from runs.api.errors import not_found
from runs.api.response_schemas import AgentOut, AgentPage, ToolPage
from runs.api.serializers import agent_as_json, answer
from runs.engine.stored_tools.catalog import refresh_tools
from runs.models import Agent

router = Router(tags=["Agents and tools"])


@router.get("/agents", auth=may_read, response=AgentPage, operation_id="list_agents")
def list_agents(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  ninja passes it
    """List the agents a run can be launched with, by name: all but the archived ones."""
    agents = Agent.objects.in_use().order_by("name").prefetch_related("labels")
    return answer({"items": [agent_as_json(agent) for agent in agents], "next": None})


@router.get("/agents/{int:agent_id}", auth=may_read, response=AgentOut, operation_id="get_agent")
def get_agent(request: HttpRequest, agent_id: int) -> HttpResponse:  # noqa: ARG001  ninja passes it
    """Get one agent by its id."""
    agent = Agent.objects.filter(pk=agent_id).first()
    if agent is None:
        raise not_found("agent")
    return answer(agent_as_json(agent))


@router.get("/tools", auth=may_read, response=ToolPage, operation_id="list_tools")
def list_tools(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  ninja passes it
    """List the tools agents may call: built-in ones first, those of servers and APIs last."""
    refresh_tools()
    return answer({"items": get_available_tools(), "next": None})
