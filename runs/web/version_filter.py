"""The filter of the list of runs by the version that made them."""

from collections.abc import Sequence
from typing import Final

from django.http import QueryDict

from runs.models import Agent

OFFERED: Final = 50
"""The latest versions of the chosen agent that can be chosen without a link."""
_MOST_DIGITS: Final = 9


def version_values(asked: QueryDict) -> list[str]:
    """The values among those asked for that can be numbers of versions."""
    return [value for value in asked.getlist("version") if _is_number(value)]


def version_choices(agents: Sequence[str], chosen: Sequence[str]) -> list[tuple[str, str]]:
    """The values with their labels: the latest versions of one chosen agent, and those that are chosen."""
    latest = None
    if len(agents) == 1:
        latest = Agent.objects.filter(name=agents[0]).values_list("version", flat=True).first()
    offered = range(latest or 0, max((latest or 0) - OFFERED, 0), -1)
    numbers = sorted({*offered, *map(int, chosen)}, reverse=True)
    return [(str(number), f"v{number}") for number in numbers]


def _is_number(value: str) -> bool:
    return value.isdecimal() and value.isascii() and len(value) <= _MOST_DIGITS and str(int(value)) == value != "0"
