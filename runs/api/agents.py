"""Endpoints of agents: list, get, create, change, duplicate, archive."""

from collections.abc import Callable
from typing import Annotated, Final

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from runs.agent_configs import agent_saves
from runs.agent_configs.agent_editor import ChangedMeanwhile
from runs.api.agent_access import (
    agent_or_404,
    changed_meanwhile,
    check_may_add,
    check_may_change,
    check_may_read,
    check_may_see,
    saved_as_json,
)
from runs.api.agent_schemas import AgentChange, AgentSaved, AgentWhole, Duplicate, NewAgent
from runs.api.auth import caller_of, may_edit, may_read
from runs.api.errors import forbidden, invalid, not_found
from runs.api.response_schemas import AgentPage
from runs.api.serializers import agent_as_json, answer
from runs.engine import control
from runs.engine.stored_tools.catalog import refresh_tools
from runs.models import Agent
from runs.models.agent_config import config_of
from runs.models.permissions import may_change_agents, may_read_agents

router = Router(tags=["Agents and tools"])

NEW_EXAMPLE: Final = (
    '{"name": "Clerk", "instructions": "You work in a shop.", "models": ["offline"], "tools": ["calculator"]}'
)
CHANGE_EXAMPLE: Final = '{"max_turns": 30, "message": "Longer orders", "based_on": 3}'


class AgentQuery(Schema):
    """Query parameters of the list of agents."""

    archived: Annotated[bool, Field(description="Those in the archive, in place of those in use.")] = False


@router.get("/agents", auth=may_read, response=AgentPage, operation_id="list_agents")
def list_agents(request: HttpRequest, asked: Query[AgentQuery]) -> HttpResponse:
    """List the agents a run can be launched with, by name: all but the archived ones."""
    check_may_see(request)
    agents = Agent.objects.filter(archived_at__isnull=not asked.archived).order_by("name").prefetch_related("labels")
    return answer({"items": [agent_as_json(agent) for agent in agents], "next": None})


@router.get("/agents/{int:agent_id}", auth=may_read, response=AgentWhole, operation_id="get_agent")
def get_agent(request: HttpRequest, agent_id: int) -> HttpResponse:
    """Get one agent by its id."""
    check_may_see(request)
    agent = agent_or_404(agent_id)
    config = config_of(agent) if may_read_agents(caller_of(request).user) else None
    return answer(agent_as_json(agent) | {"config": config})


@router.post(
    "/agents",
    auth=may_edit,
    response={201: AgentSaved},
    operation_id="create_agent",
    openapi_extra={"x-example": NEW_EXAMPLE},
)
def create_agent(request: HttpRequest, body: NewAgent) -> HttpResponse:
    """Create an agent, which gets version 1. Your account has to be one that may add agents."""
    user = check_may_add(request)
    if body.is_default and not may_change_agents(user):
        raise forbidden("Your account may not choose the default agent: it lacks the permission to change agents.")
    refresh_tools()
    is_default = bool(body.is_default)
    agent = _checked(
        lambda: agent_saves.create_agent(body.config(), by=user, message=body.message, is_default=is_default)
    )
    return answer(saved_as_json(agent), 201, Location=f"/api/v1/agents/{agent.pk}")


@router.patch(
    "/agents/{int:agent_id}",
    auth=may_edit,
    response=AgentSaved,
    operation_id="change_agent",
    openapi_extra={"x-example": CHANGE_EXAMPLE, "x-errors": [409]},
)
def change_agent(request: HttpRequest, agent_id: int, body: AgentChange) -> HttpResponse:
    """Change what is sent of an agent; lists and objects as a whole. A change makes a version. Your account has to be
    one that may change agents."""
    user = check_may_change(request)
    refresh_tools()

    def change() -> Agent:
        return agent_saves.change_agent(
            agent_id,
            body.config(),
            by=user,
            message=body.message,
            based_on=body.based_on,
            is_default=body.is_default,
        )

    try:
        agent = _checked(change)
    except Agent.DoesNotExist as missing:
        raise not_found("agent") from missing
    except ChangedMeanwhile as changed:
        raise changed_meanwhile(agent_or_404(agent_id)) from changed
    return answer(saved_as_json(agent))


@router.post(
    "/agents/{int:agent_id}/duplicate",
    auth=may_edit,
    response={201: AgentSaved},
    operation_id="duplicate_agent",
    openapi_extra={"x-example": '{"name": "Clerk, at night"}'},
)
def duplicate_agent(request: HttpRequest, agent_id: int, body: Duplicate) -> HttpResponse:
    """Create an agent with the configuration of another one. Your account has to be one that may add and read
    agents."""
    user = check_may_add(request)
    check_may_read(request)
    original = agent_or_404(agent_id)
    refresh_tools()
    values = config_of(original) | {"name": agent_saves.copied_name(original) if body.name is None else body.name}
    agent = _checked(lambda: agent_saves.create_agent(values, by=user, message=body.message))
    return answer(saved_as_json(agent), 201, Location=f"/api/v1/agents/{agent.pk}")


@router.post("/agents/{int:agent_id}/archive", auth=may_edit, response=AgentSaved, operation_id="archive_agent")
def archive_agent(request: HttpRequest, agent_id: int) -> HttpResponse:
    """Put an agent into the archive, where no run is launched with it; it is 200 too for one that is there. Your
    account has to be one that may change agents."""
    return _archived(request, agent_id, archived=True)


@router.post("/agents/{int:agent_id}/unarchive", auth=may_edit, response=AgentSaved, operation_id="unarchive_agent")
def unarchive_agent(request: HttpRequest, agent_id: int) -> HttpResponse:
    """Take an agent out of the archive; it is 200 too for one that is in use. Your account has to be one that may
    change agents."""
    return _archived(request, agent_id, archived=False)


def _archived(request: HttpRequest, agent_id: int, *, archived: bool) -> HttpResponse:
    check_may_change(request)
    try:
        control.set_archived(agent_id, archived=archived)
    except Agent.DoesNotExist as missing:
        raise not_found("agent") from missing
    except control.AgentRefused as refused:
        raise invalid(f"agent: {refused}") from refused
    return answer(saved_as_json(agent_or_404(agent_id)))


def _checked(save: Callable[[], Agent]) -> Agent:
    """What `save` returns. Raises `ApiError` 422 for what cannot be saved."""
    try:
        return save()
    except agent_saves.AgentInvalid as refused:
        raise invalid(str(refused), fields=refused.fields) from refused
