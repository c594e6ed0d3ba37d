"""The agents that have tools of a source, which lose them with it."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext

from runs.engine.stored_tools.catalog import refresh_tools
from runs.models import Agent, ToolSource
from runs.web.access import PageRequest


def agents_with_tools_of(source: ToolSource) -> list[Agent]:
    """The agents, by name. Those with all tools have none of a source's."""
    names = set(source.tools.values_list("name", flat=True))
    return [each for each in Agent.objects.only("name", "tools").order_by("name") if names & set(each.tools or ())]


def removed(
    request: PageRequest, source: ToolSource, remove: Callable[[ToolSource], None], *, list_page: str
) -> HttpResponse:
    """Remove the source, and go to the list; back to its page if an agent that the form did not name has its tools."""
    seen = set(request.POST.getlist("agent"))
    unseen = [agent.name for agent in agents_with_tools_of(source) if str(agent.pk) not in seen]
    if unseen:
        words = gettext("Nothing was removed. Look again: %(agents)s has its tools.")
        messages.error(request, words % {"agents": ", ".join(unseen)})
        return redirect(source)
    remove(source)
    refresh_tools()
    messages.success(request, gettext("%(name)s was removed.") % {"name": source.name})
    return redirect(reverse(list_page))
