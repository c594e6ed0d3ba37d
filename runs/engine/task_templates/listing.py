"""Templates found by the name that programs use, and listed by name, searched and paged by the last row."""

from dataclasses import dataclass
from typing import Final

from django.db.models import Q, QuerySet

from runs.models import Agent, TaskTemplate

COLUMNS: Final = ("id", "name", "description", "inputs", "agent__id", "agent__name", "created_at", "updated_at")
"""Of a template in a list, which has no task."""


@dataclass(frozen=True, slots=True)
class TemplatePlace:
    """A position in the list: after the template of this name and id."""

    name: str
    pk: int


def template_named(full_name: str) -> tuple[TaskTemplate, str] | None:
    """The template that programs name `agent/name`, with its agent, and the version of `agent@3/name` or the label of
    `agent@production/name`; empty for the current version. None for another text."""
    # A template's name has no slash; an agent's may have some, and an `@`.
    agent, slash, name = full_name.rpartition("/")
    if not slash or "\x00" in full_name:
        return None
    named = TaskTemplate.objects.select_related("agent").filter(name=name)
    if (found := named.filter(agent__name=agent).first()) is not None:
        return found, ""
    agent, _at, version = agent.rpartition("@")
    found = named.filter(agent__name=agent).first() if agent else None
    return None if found is None else (found, version)


def listed_templates(*, words: str = "", agent: str = "", after: TemplatePlace | None = None) -> QuerySet[TaskTemplate]:
    """Templates of agents in use, by name: with `words` in name, description or agent, of the agent named `agent`,
    after a position."""
    found = TaskTemplate.objects.filter(agent__archived_at=None).select_related("agent").only(*COLUMNS)
    found = found.order_by("name", "id")
    if agent:
        found = found.filter(agent__name=agent)
    if words:
        # Not a join: few agents have many templates.
        agents = list(Agent.objects.filter(name__mentions=words).values_list("pk", flat=True))
        found = found.filter(Q(agent__in=agents) | Q(name__mentions=words) | Q(description__mentions=words))
    if after is not None:
        found = found.filter(Q(name=after.name, pk__gt=after.pk) | Q(name__gt=after.name), name__gte=after.name)
    return found
