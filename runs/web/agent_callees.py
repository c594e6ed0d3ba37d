"""The choices of the editor for the agents that an agent may call."""

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext

from runs.models import Agent


def agent_choices(chosen: Iterable[str], own: str) -> list[tuple[str, Any]]:
    """The names of the agents for a field of the agent `own`; those of `chosen` that are gone are marked."""
    names = [name for name in Agent.objects.order_by("name").values_list("name", flat=True) if name != own]
    gone = [name for name in chosen if name not in names]
    return [(name, name) for name in names] + [(name, gettext("%(name)s (gone)") % {"name": name}) for name in gone]
