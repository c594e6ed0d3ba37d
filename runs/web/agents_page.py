"""The list of agents, and the page of one."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from runs.live.rendering.run_lines import add_lines, with_starts
from runs.models import Agent, Run
from runs.models.permissions import (
    DELETE_AGENT,
    may_add_agents,
    may_change_agents,
    may_launch,
    may_read_agents,
    may_see_agents,
    may_see_all,
)
from runs.web import agent_facts, agent_sources
from runs.web.access import PageRequest, only_if
from runs.web.agent_labels import labels_context
from runs.web.agent_statistics import NOTHING, AgentStatistics, statistics_of
from runs.web.agent_trends import trends_of
from runs.web.agent_version_rows import latest_versions
from runs.web.form_keys import new_key
from runs.web.fresh_tools import with_fresh_tools
from runs.web.model_notes import notes_about
from runs.web.model_rows import row_of
from runs.web.schedules_page import schedules_of
from runs.web.tool_availability import launch_note, with_availability

RECENT_RUNS: Final = 8
SHOWN_SCHEDULES: Final = 5
SHOWN_TEMPLATES: Final = 20
SHOWN_TRIGGERS: Final = 20


@dataclass(frozen=True)
class AgentRow:
    """An agent in the list."""

    agent: Agent
    statistics: AgentStatistics

    @cached_property
    def model(self) -> str:
        """The first model."""
        return str(self.agent.model_names[0]) if self.agent.model_names else "offline"

    @property
    def further_models(self) -> int:
        """The number of models after the first."""
        return max(len(self.agent.model_names) - 1, 0)

    @cached_property
    def tools(self) -> list[agent_facts.ToolFact]:
        """The tools it may call."""
        return agent_facts.tools_of(self.agent)

    @property
    def unsafe(self) -> int:
        """The number of tools that change things outside."""
        return sum(tool.effect == "unsafe" for tool in self.tools)

    @property
    def limits(self) -> str:
        """Its limits in words."""
        return agent_facts.limits_in_words(self.agent)


def agent_or_404(agent_id: int) -> Agent:
    """The agent. Raises `Http404` if there is none."""
    agent = Agent.objects.filter(pk=agent_id).first()
    if agent is None:
        raise Http404(gettext("There is no such agent."))
    return agent


def _templates_of(agent: Agent) -> dict[str, Any]:
    found = agent.templates.only("id", "name", "description", "agent_id").order_by("name", "id")
    shown = list(found[: SHOWN_TEMPLATES + 1])
    return {"templates": shown[:SHOWN_TEMPLATES], "further_templates": len(shown) > SHOWN_TEMPLATES}


def _schedules_of(agent: Agent, user: Any) -> dict[str, Any]:
    rows = schedules_of(agent, user, SHOWN_SCHEDULES + 1)
    return {"schedules": rows[:SHOWN_SCHEDULES], "further_schedules": len(rows) > SHOWN_SCHEDULES}


def rights_of(user: Any) -> dict[str, bool]:
    """What the user may do with agents, for templates."""
    return {
        "may_add": may_add_agents(user),
        "may_change": may_change_agents(user),
        "may_read": may_read_agents(user),
        "may_launch": may_launch(user),
        "may_delete": user.is_staff and user.has_perm(DELETE_AGENT),
        "sees_all": may_see_all(user),
    }


@require_safe
@only_if(may_see_agents)
@with_fresh_tools
def show_agents(request: PageRequest) -> HttpResponse:
    """List the agents in use, with `?archived=1` the archived ones, with the statistics of the runs the user may
    see."""
    archived = request.GET.get("archived") == "1"
    agents = list(Agent.objects.filter(archived_at__isnull=not archived))
    found = statistics_of(request.user, agents)
    rows = [AgentRow(agent, found.get(agent.pk, NOTHING)) for agent in agents]
    context = {
        "rows": rows,
        "is_archive": archived,
        "archived": 0 if archived else Agent.objects.filter(archived_at__isnull=False).count(),
    }
    return render(request, "agents/list.html", context | rights_of(request.user))


@require_safe
@only_if(may_see_agents)
@with_fresh_tools
def show_agent(request: PageRequest, agent_id: int) -> HttpResponse:
    """Show what an agent is, how its runs went, and its latest runs. Instructions only to those who may read them."""
    agent = agent_or_404(agent_id)
    runs = Run.objects.visible_to(request.user).filter(agent=agent).select_related("agent", "user")
    rights = rights_of(request.user)
    context = {
        "statistics": statistics_of(request.user, [agent]).get(agent.pk, NOTHING),
        "trends": trends_of(request.user, agent),
        "runs": add_lines(list(with_starts(runs).defer("config")[:RECENT_RUNS])),
        "once": new_key(),
        **labels_context(agent, sees_moves=rights["may_read"]),
        **_templates_of(agent),
        **_schedules_of(agent, request.user),
        "triggers": agent.triggers.filter(user=request.user.pk).select_related("template", "agent")[:SHOWN_TRIGGERS],
        "versions": latest_versions(agent) if rights["may_read"] else [],
        **config_context(agent),
        **rights,
    }
    return render(request, "agents/agent.html", context)


def config_context(agent: Agent) -> dict[str, Any]:
    """What an agent is, for the templates that show all of it; also of one made of a version."""
    strategy_name, strategy_words = agent_facts.STRATEGIES[Agent.Strategy(agent.strategy)]
    tools = with_availability(agent_facts.tools_of(agent))
    return {
        "agent": agent,
        "models": [row_of(str(name)) for name in agent.model_names or ["offline"]],
        "notes": notes_about(agent.model_names),
        "strategy_name": strategy_name,
        "strategy_words": strategy_words,
        "tools": tools,
        "tools_note": launch_note(agent),
        "libraries": agent_sources.libraries_of(agent),
        "reads_libraries": agent_sources.reads_libraries(tools),
        "skills": agent_sources.skills_of(agent),
        "reads_skills": agent_sources.reads_skills(tools),
        "callees": agent_sources.callees_of(agent),
        "tools_in_words": agent_facts.tools_in_words(agent),
        "limits": agent_facts.limit_facts(agent),
        "approvals": agent_facts.approval_facts(agent),
        "model_settings": agent_facts.model_setting_facts(agent),
        "queue": list(agent_facts.queue_facts(agent)),
        "schema": agent_facts.schema_text(agent),
    }
