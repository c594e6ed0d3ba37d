"""The agents that have tools of a source, which lose them with it."""

from django.contrib import messages
from django.utils.translation import gettext

from runs.models import Agent, ToolSource
from runs.web.access import PageRequest


def agents_with_tools_of(source: ToolSource) -> list[Agent]:
    """The agents, by name. Those with all tools have none of a source's."""
    names = set(source.tools.values_list("name", flat=True))
    return [each for each in Agent.objects.only("name", "tools").order_by("name") if names & set(each.tools or ())]


def is_removal_of_what_was_seen(request: PageRequest, source: ToolSource) -> bool:
    """True if the form that removes a source named every agent that has its tools; else the person is told."""
    seen = set(request.POST.getlist("agent"))
    unseen = [agent.name for agent in agents_with_tools_of(source) if str(agent.pk) not in seen]
    if unseen:
        words = gettext("Nothing was removed. Look again: %(agents)s has its tools.")
        messages.error(request, words % {"agents": ", ".join(unseen)})
    return not unseen
