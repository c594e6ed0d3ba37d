"""Pages of the versions of an agent: their list, one of them, two side by side; and the way back to one."""

from typing import Final

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from runs.agent_configs.config_diff import config_diff
from runs.engine import control
from runs.live.rendering.stored_words import refusal_words
from runs.models import Agent, AgentVersion
from runs.models.permissions import may_change_agents, may_read_agents
from runs.web.access import PageRequest, only_if
from runs.web.agent_version_rows import author_of, version_page
from runs.web.agents_page import agent_or_404, config_context, rights_of
from runs.web.fresh_tools import with_fresh_tools

_MOST_DIGITS: Final = 9


@require_safe
@only_if(may_read_agents)
def show_versions(request: PageRequest, agent_id: int) -> HttpResponse:
    """List the versions of an agent, the latest first, a page at a time (`?before=` a number)."""
    agent = agent_or_404(agent_id)
    rows, before = version_page(agent, request.user, _number_in(request, "before"))
    context = {"agent": agent, "rows": rows, "before": before, **rights_of(request.user)}
    return render(request, "agents/versions.html", context)


@require_safe
@only_if(may_read_agents)
@with_fresh_tools
def show_version(request: PageRequest, agent_id: int, number: int) -> HttpResponse:
    """Show the whole configuration of a version. 404 for one that there is not."""
    agent, version = agent_or_404(agent_id), _version_or_404(agent_id, number)
    context = {
        **config_context(Agent.of_config(version.config)),
        **rights_of(request.user),
        "of": agent,
        "version": version,
        "author": author_of(version),
        "is_current": agent.version == number,
        # The rule of a tool is changed on the page of the agent.
        "may_change": False,
        "may_restore": may_change_agents(request.user) and agent.version != number,
    }
    return render(request, "agents/version.html", context)


@require_safe
@only_if(may_read_agents)
def compare_versions(request: PageRequest, agent_id: int) -> HttpResponse:
    """Show what differs between the versions `?from=` and `?to=`, without them between the last two."""
    agent = agent_or_404(agent_id)
    latest = agent.version or agent.versions.values_list("number", flat=True).first() or 1
    to = _number_in(request, "to") or latest
    start = _number_in(request, "from") or max(to - 1, 1)
    before, after = _version_or_404(agent_id, start), _version_or_404(agent_id, to)
    context = {
        "agent": agent,
        "before": before,
        "after": after,
        "latest": latest,
        "before_author": author_of(before),
        "after_author": author_of(after),
        "settings": config_diff(before.config, after.config),
        "may_restore": may_change_agents(request.user),
    }
    return render(request, "agents/compare.html", context)


@require_POST
@only_if(may_change_agents)
def restore_version(request: PageRequest, agent_id: int, number: int) -> HttpResponse:
    """Bring the agent back to a version, which makes a new one, and go to its page. 404 for a missing version."""
    agent = agent_or_404(agent_id)
    try:
        restored = control.restore_version(agent_id, number, by=request.user)
    except (Agent.DoesNotExist, AgentVersion.DoesNotExist) as missing:
        raise Http404(_("There is no such version.")) from missing
    except control.AgentRefused as refused:
        messages.error(request, refusal_words(refused))
        return redirect("runs:agent-version", agent_id, number)
    if restored.version == agent.version:
        messages.info(request, _("The agent has this configuration already."))
    else:
        told = {"number": number, "new": restored.version}
        messages.info(request, _("Version %(number)s was restored, as version %(new)s.") % told)
    return redirect("runs:agent", agent_id)


def _version_or_404(agent_id: int, number: int) -> AgentVersion:
    version = AgentVersion.objects.select_related("author").filter(agent=agent_id, number=number).first()
    if version is None:
        raise Http404(_("There is no such version."))
    return version


def _number_in(request: PageRequest, name: str) -> int | None:
    """A number in the address; None without one, or for a text that is none."""
    typed = request.GET.get(name, "")
    return int(typed) if typed.isascii() and typed.isdecimal() and len(typed) <= _MOST_DIGITS else None
