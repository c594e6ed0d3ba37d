"""Changes of agents beside their editor: restored versions."""

from typing import Any

from django.db import transaction

from runs.agent.wording import Wording
from runs.models import Agent, AgentVersion
from runs.models.agent_config import COLUMNS


class AgentRefused(ValueError):
    """The change of an agent is not possible. The message, a `Wording`, is for the person."""


@transaction.atomic
def restore_version(agent_id: int, number: int, *, by: Any) -> Agent:
    """The agent with the configuration of one of its versions, name and description included, which is a new version.

    It makes none if the agent has that configuration already. Raises `Agent.DoesNotExist`, `AgentVersion.DoesNotExist`,
    and `AgentRefused` if another agent has taken the name.
    """
    agent = Agent.objects.select_for_update().get(pk=agent_id)
    version = AgentVersion.objects.get(agent=agent, number=number)
    earlier = Agent.of_config(version.config)
    if Agent.objects.exclude(pk=agent_id).filter(name=earlier.name).exists():
        words = Wording("Another agent is called “%(name)s” now, as this one was then.", name=earlier.name)
        raise AgentRefused(words)
    for column in COLUMNS:
        setattr(agent, column, getattr(earlier, column))
    agent.save(by=by, restored_from=number)
    return agent
