"""The versions of an agent as rows of a list."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

from django.db.models import Count
from django.utils.translation import gettext as _

from runs.agent_configs.config_diff import label_of_key
from runs.models import Agent, AgentVersion, Run
from runs.models.agent_config import changed_keys

LATEST: Final = 5
"""Versions on the page of their agent."""
PER_PAGE: Final = 50
MOST_NAMED: Final = 4
"""Changed settings that a row names."""


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version."""

    number: int
    author: str
    """Empty for the command line, and for a person who is gone."""
    created_at: datetime
    message: str
    restored_from: int | None
    is_current: bool
    changed: str
    """The settings that differ from the version before, in words; empty for the first one."""
    runs: int = 0
    """The runs that it has made and the user may see."""


def latest_versions(agent: Agent) -> list[VersionRow]:
    """The last versions of an agent, the latest first."""
    return _rows(agent, _page(agent, None, LATEST), LATEST)


def version_page(agent: Agent, user: Any, before: int | None) -> tuple[list[VersionRow], int | None]:
    """A page of versions, the latest first, and the number that the next page is before; None at the end."""
    found = _page(agent, before, PER_PAGE)
    numbers = [each.number for each in found[:PER_PAGE]]
    made = Run.objects.visible_to(user).filter(agent=agent, version__in=numbers).order_by()
    counts = dict(made.values_list("version").annotate(Count("pk")))
    return _rows(agent, found, PER_PAGE, counts), numbers[-1] if len(found) > PER_PAGE else None


def _page(agent: Agent, before: int | None, limit: int) -> list[AgentVersion]:
    """So many versions, and the one before them if there is one."""
    versions = agent.versions.order_by("-number").select_related("author")
    return list((versions if before is None else versions.filter(number__lt=before))[: limit + 1])


def _rows(
    agent: Agent, found: Sequence[AgentVersion], limit: int, counts: dict[int | None, int] | None = None
) -> list[VersionRow]:
    changed = {new.number: _changed_words(old, new) for new, old in pairwise(found)}
    return [
        VersionRow(
            number=each.number,
            author=author_of(each),
            created_at=each.created_at,
            message=each.message,
            restored_from=each.restored_from,
            is_current=each.number == agent.version,
            changed=changed.get(each.number, ""),
            runs=(counts or {}).get(each.number, 0),
        )
        for each in found[:limit]
    ]


def author_of(version: AgentVersion) -> str:
    """The name of the person who saved it; empty for the command line, and for a person who is gone."""
    return version.author.get_username() if version.author is not None else ""


def _changed_words(old: AgentVersion, new: AgentVersion) -> str:
    labels = [label_of_key(key) for key in changed_keys(old.config, new.config)]
    named = ", ".join(labels[:MOST_NAMED])
    more = len(labels) - MOST_NAMED
    return _("%(names)s and %(count)s more") % {"names": named, "count": more} if more > 0 else named
