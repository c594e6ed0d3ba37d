"""Checks of the names in an agent's configuration: skills, other agents, and tools with a rule."""

from collections.abc import Collection

from django import forms
from django.utils.translation import gettext

from runs.agent.skills.skill import MOST_SKILLS
from runs.agent.tools.child_runs import CALL_AGENT, MOST_AGENTS
from runs.agent.tools.registry import registered_tools
from runs.engine.skills.known_skills import unknown_skills
from runs.models import Agent


def checked_skills(names: list[str]) -> list[str]:
    """The names, each once. Raises `ValidationError` for too many, or one that is no skill."""
    if unknown := unknown_skills(names):
        raise forms.ValidationError(gettext("No such skill: %(names)s.") % {"names": ", ".join(unknown)})
    if len(names) > MOST_SKILLS:
        raise forms.ValidationError(gettext("At most %(most)s skills.") % {"most": MOST_SKILLS})
    return list(dict.fromkeys(names))


def checked_agents(names: list[str], *, also: Collection[str] = ()) -> list[str]:
    """The names, each once. Raises `ValidationError` for too many, or one that is no agent and not in `also`."""
    known = {*Agent.objects.values_list("name", flat=True), *also}
    if unknown := [name for name in names if name not in known]:
        raise forms.ValidationError(gettext("No such agent: %(names)s.") % {"names": ", ".join(unknown)})
    if len(names) > MOST_AGENTS:
        raise forms.ValidationError(gettext("At most %(most)s agents.") % {"most": MOST_AGENTS})
    return list(dict.fromkeys(names))


def tools_with_rules() -> set[str]:
    """The names of the tools that an agent may have a rule for: the registered ones, and the one that calls agents."""
    return {*registered_tools(), CALL_AGENT}
