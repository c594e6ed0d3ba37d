"""The agents that an agent may call: checks of their names, and choices of the editor."""

from collections.abc import Collection, Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext

from runs.agent.tools.child_runs import CALL_AGENT, MOST_AGENTS
from runs.agent.tools.registry import registered_tools
from runs.models import Agent


def checked_agents(names: list[str], *, also: Collection[str] = ()) -> list[str]:
    """The names, each once. Raises `ValidationError` for too many, or one that is no agent and not in `also`."""
    known = {*Agent.objects.values_list("name", flat=True), *also}
    if unknown := [name for name in names if name not in known]:
        raise forms.ValidationError(gettext("No such agent: %(names)s.") % {"names": ", ".join(unknown)})
    if len(names) > MOST_AGENTS:
        raise forms.ValidationError(gettext("At most %(most)s agents.") % {"most": MOST_AGENTS})
    return list(dict.fromkeys(names))


def agent_choices(chosen: Iterable[str], own: str) -> list[tuple[str, Any]]:
    """The names of the agents for a field of the agent `own`; those of `chosen` that are gone are marked."""
    names = [name for name in Agent.objects.order_by("name").values_list("name", flat=True) if name != own]
    gone = [name for name in chosen if name not in names]
    return [(name, name) for name in names] + [(name, gettext("%(name)s (gone)") % {"name": name}) for name in gone]


def tools_with_rules() -> set[str]:
    """The names of the tools that an agent may have a rule for: the registered ones, and the one that calls agents."""
    return {*registered_tools(), CALL_AGENT}
