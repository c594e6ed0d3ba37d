"""Who may do what with agents through the API: the same as on the pages."""

from typing import Any

from django.http import HttpRequest

from runs.agent.json_data.json_types import JsonObject
from runs.api.auth import caller_of
from runs.api.errors import ApiError, forbidden, not_found
from runs.models import Agent
from runs.models.permissions import (
    NOT_LAUNCHED,
    may_add_agents,
    may_change_agents,
    may_read_agents,
    may_see_agents,
)


def agent_or_404(agent_id: int) -> Agent:
    """The agent. Raises `ApiError` 404."""
    agent = Agent.objects.filter(pk=agent_id).first()
    if agent is None:
        raise not_found("agent")
    return agent


def check_may_see(request: HttpRequest) -> None:
    """Raise `ApiError` 403 if the account may not see what agents are."""
    if not may_see_agents(caller_of(request).user):
        raise forbidden(str(NOT_LAUNCHED))


def check_may_read(request: HttpRequest) -> Any:
    """The account. Raises `ApiError` 403 if it may not read agents as a whole."""
    user = caller_of(request).user
    if not may_read_agents(user):
        raise forbidden("Your account may not read agents as a whole: it lacks the permission to view agents.")
    return user


def check_may_add(request: HttpRequest) -> Any:
    """The account. Raises `ApiError` 403 if it may not create agents."""
    user = caller_of(request).user
    if not may_add_agents(user):
        raise forbidden("Your account may not create agents: it lacks the permission to add agents.")
    return user


def check_may_change(request: HttpRequest) -> Any:
    """The account. Raises `ApiError` 403 if it may not change agents."""
    user = caller_of(request).user
    if not may_change_agents(user):
        raise forbidden("Your account may not change agents: it lacks the permission to change agents.")
    return user


def changed_meanwhile(agent: Agent | None = None) -> ApiError:
    """409: somebody else has saved the agent. `agent` is as it is now."""
    current = "" if agent is None or agent.version is None else f" It has version {agent.version}."
    return ApiError(
        409,
        "changed_meanwhile",
        f"Somebody has changed the agent meanwhile. Nothing was saved.{current}",
        action="Get the agent again, and send your change based on that version.",
    )


def saved_as_json(agent: Agent) -> JsonObject:
    """The agent after a change: what every token may know that made it."""
    return {
        "id": agent.pk,
        "name": agent.name,
        "version": agent.version,
        "is_archived": agent.archived_at is not None,
    }
