"""The filter of the list of runs by the version that made them."""

from collections.abc import Sequence
from typing import Final

from django.db.models import Q
from django.http import QueryDict
from django.utils.translation import gettext

from runs.models import Agent

OFFERED: Final = 50
"""The latest versions of the chosen agent that can be chosen without a link."""
DRAFTS: Final = "draft"
"""The value for runs that tried drafts."""
_MOST_DIGITS: Final = 9


def version_values(asked: QueryDict) -> list[str]:
    """The values among those asked for that can be numbers of versions, or `DRAFTS`."""
    return [value for value in asked.getlist("version") if value == DRAFTS or _is_number(value)]


def version_choices(agents: Sequence[str], chosen: Sequence[str]) -> list[tuple[str, str]]:
    """The values with their labels: the latest versions of one chosen agent, and those that are chosen."""
    latest = None
    if len(agents) == 1:
        latest = Agent.objects.filter(name=agents[0]).values_list("version", flat=True).first()
    offered = range(latest or 0, max((latest or 0) - OFFERED, 0), -1)
    numbers = sorted({*offered, *(int(each) for each in chosen if each != DRAFTS)}, reverse=True)
    drafts = [(DRAFTS, gettext("Drafts"))] if numbers or chosen else []
    return [*drafts, *((str(number), f"v{number}") for number in numbers)]


def made_by_version(chosen: Sequence[str]) -> Q:
    """The runs that the chosen versions have made, or that tried drafts."""
    made = Q(version__in=[each for each in chosen if each != DRAFTS])
    return made | Q(draft_base__isnull=False) if DRAFTS in chosen else made


def _is_number(value: str) -> bool:
    return value.isdecimal() and value.isascii() and len(value) <= _MOST_DIGITS and str(int(value)) == value != "0"
