"""What an agent may read besides its task, and whom it may call: libraries, skills and agents, as its page shows
them."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, Q, Sum
from django.urls import reverse
from django.utils.translation import ngettext

from runs.agent.tools.protocol import needs_files, needs_skills
from runs.agent.tools.registry import registered_tools
from runs.engine.skills.known_skills import files_of, known_skills
from runs.live.rendering.formatting import counted_text
from runs.models import Agent, Library, StoredFile
from runs.web.agent_facts import ToolFact


@dataclass(frozen=True, slots=True)
class SourceFact:
    """A library, a skill or another agent as an agent has it."""

    name: str
    about: str = ""
    counted: str = ""
    """`3 documents`, `2 files`."""
    size: int = 0
    """Of all of them, in bytes."""
    address: str = ""
    """Of its page; empty for one that is gone."""


def libraries_of(agent: Agent) -> list[SourceFact]:
    """The libraries that the agent reads, in its order; without a query for none."""
    if not agent.libraries:
        return []
    ready = Q(documents__state=StoredFile.State.READY)
    rows = Library.objects.filter(name__in=agent.libraries).annotate(
        count=Count("documents", ready), size=Sum("documents__size", filter=ready)
    )
    known = {
        row.name: SourceFact(row.name, row.description, _documents(row.count), row.size or 0, row.get_absolute_url())
        for row in rows
    }
    return [known.get(name, SourceFact(name)) for name in agent.libraries]


def skills_of(agent: Agent) -> list[SourceFact]:
    """The skills that the agent has, in its order; without a query for none."""
    if not agent.skills:
        return []
    known = {each.name: each for each in known_skills() if each.name in agent.skills}
    facts = {
        name: SourceFact(
            name, each.description, _files(len(files_of(each))), each.size, reverse("runs:skill", args=[name])
        )
        for name, each in known.items()
    }
    return [facts.get(name, SourceFact(name)) for name in agent.skills]


def callees_of(agent: Agent) -> list[SourceFact]:
    """The agents that the agent may call, in its order; without a query for none."""
    if not agent.agents:
        return []
    rows = Agent.objects.filter(name__in=agent.agents).only("name", "description")
    known = {row.name: SourceFact(row.name, row.description, address=_page_of(row)) for row in rows}
    return [known.get(name, SourceFact(name)) for name in agent.agents]


def _page_of(agent: Agent) -> str:
    return reverse("runs:agent", args=[agent.pk])


def _documents(count: int) -> str:
    return ngettext("%(number)s document", "%(number)s documents", count) % {"number": counted_text(count)}


def _files(count: int) -> str:
    return ngettext("%(number)s file", "%(number)s files", count) % {"number": counted_text(count)}


def reads_libraries(tools: Sequence[ToolFact]) -> bool:
    """True if one of an agent's tools reads files."""
    known = registered_tools()
    return any(each.name in known and needs_files(known[each.name]) for each in tools)


def reads_skills(tools: Sequence[ToolFact]) -> bool:
    """True if one of an agent's tools reads skills."""
    known = registered_tools()
    return any(each.name in known and needs_skills(known[each.name]) for each in tools)
