"""Changes of agents beside their editor: restored versions, labels, and the archive."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from runs.agent.wording import Wording
from runs.models import Agent, AgentLabel, AgentVersion, LabelMove
from runs.models.agent_config import COLUMNS
from runs.models.agent_label import MAX_LABEL_CHARS, MOST_LABELS, is_label_name


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


@transaction.atomic
def set_label(agent_id: int, name: str, number: int, *, by: Any) -> AgentLabel:
    """Let the label point at the version, and note who did it; nothing if it does already.

    Raises `Agent.DoesNotExist`, `AgentVersion.DoesNotExist`, and `AgentRefused` for a name that is none, or one label
    too many.
    """
    agent = Agent.objects.select_for_update().get(pk=agent_id)
    AgentVersion.objects.only("pk").get(agent=agent, number=number)
    if not is_label_name(name):
        raise AgentRefused(
            Wording(
                "A label has at most %(most)s lower-case letters, digits and hyphens, and begins with a letter.",
                most=MAX_LABEL_CHARS,
            )
        )
    label = agent.labels.filter(name=name).first()
    if label is not None and label.number == number:
        return label
    if label is None and agent.labels.count() >= MOST_LABELS:
        raise AgentRefused(Wording("At most %(most)s labels.", most=MOST_LABELS))
    label, _is_new = agent.labels.update_or_create(name=name, defaults={"number": number})
    LabelMove.objects.create(agent=agent, name=name, number=number, author=by)
    return label


@transaction.atomic
def remove_label(agent_id: int, name: str, *, by: Any) -> bool:
    """Remove the label, and note who did it. False if there is none. Raises `Agent.DoesNotExist`."""
    agent = Agent.objects.select_for_update().get(pk=agent_id)
    removed, _per_model = agent.labels.filter(name=name).delete()
    if removed:
        LabelMove.objects.create(agent=agent, name=name, number=None, author=by)
    return bool(removed)


@transaction.atomic
def set_archived(agent_id: int, *, archived: bool) -> bool:
    """Put the agent into the archive, where no run is launched with it, or take it out. False if it is there already.

    Raises `Agent.DoesNotExist`, and `AgentRefused` for the default agent, which cannot be archived.
    """
    agent = Agent.objects.select_for_update().get(pk=agent_id)
    if archived and agent.is_default:
        raise AgentRefused(Wording("The default agent is not archived. Make another one the default first."))
    if (agent.archived_at is not None) == archived:
        return False
    Agent.objects.filter(pk=agent_id).update(archived_at=timezone.now() if archived else None)
    return True
