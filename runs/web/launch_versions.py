"""The choice of a version on the launch form: the labels of its agent, and its last versions."""

from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from runs.models import Agent
from runs.models.permissions import may_launch, may_read_agents
from runs.web.access import PageRequest, only_if

OFFERED: Final = 10
"""The last versions that people who may read agents can choose."""


def version_choices(agent: Agent | None, user: Any) -> list[tuple[str, str]]:
    """Values of the form, which name the agent too, and their labels; empty if there is nothing to choose."""
    if agent is None:
        return []
    labels = [(label.name, f"{label.name} → v{label.number}") for label in agent.labels.all()]
    latest = agent.version or 0
    earlier = range(latest - 1, max(latest - 1 - OFFERED, 0), -1) if may_read_agents(user) else ()
    numbers = [(str(number), _("Version %(n)s") % {"n": number}) for number in earlier]
    return [(f"{agent.name}@{value}", words) for value, words in (*labels, *numbers)]


@require_safe
@only_if(may_launch)
def show_launch_versions(request: PageRequest) -> HttpResponse:
    """The field for the version of the agent `?agent=`, without a name of the default one."""
    named = request.GET.get("agent", "")
    # Compared in Python: the database refuses some texts that an address can hold.
    found = [each for each in Agent.objects.in_use() if (each.name == named if named else each.is_default)]
    choices = version_choices(found[0] if found else None, request.user)
    return render(request, "runs/partials/launch_version.html", {"versions": choices, "version_value": ""})
