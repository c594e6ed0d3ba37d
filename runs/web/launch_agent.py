"""The card of an agent beside the launch form: what it is, what it may do, and how its last runs went."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from statistics import median
from typing import Any, Final

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.functional import cached_property
from django.views.decorators.http import require_safe

from runs.models import Agent, Run
from runs.models.permissions import may_launch
from runs.web import agent_facts
from runs.web.access import PageRequest, only_if
from runs.web.fresh_tools import with_fresh_tools
from runs.web.tool_availability import with_availability

SAMPLE: Final = 20
"""The last finished runs that the usual time and cost are taken from."""
SHOWN_RESULTS: Final = 5
SHOWN_TOOLS: Final = 8


@dataclass(frozen=True)
class LaunchAgent:
    """An agent as its card shows it."""

    agent: Agent
    runs: list[Run]
    """Its last finished runs that the user may see, latest first."""

    @property
    def models(self) -> list[str]:
        """The names of its models."""
        return [str(name) for name in self.agent.model_names] or ["offline"]

    @cached_property
    def tools(self) -> list[agent_facts.ToolFact]:
        """The first of its tools, those that change things outside before the others."""
        shown = sorted(agent_facts.tools_of(self.agent), key=lambda tool: tool.effect != "unsafe")[:SHOWN_TOOLS]
        return with_availability(shown)

    @property
    def further_tools(self) -> int:
        """The number of tools after those."""
        return len(agent_facts.tools_of(self.agent)) - len(self.tools)

    @property
    def tools_in_words(self) -> str:
        """How many tools it has, and how many change things outside."""
        return agent_facts.tools_in_words(self.agent)

    @property
    def asks(self) -> str:
        """What it asks a person about."""
        return str(agent_facts.approval_facts(self.agent)[0].value)

    @property
    def limits(self) -> str:
        """Its limits in words."""
        return agent_facts.limits_in_words(self.agent)

    @property
    def usual_time(self) -> timedelta | None:
        """The median time at work; None without a run."""
        times = [run.active_ms for run in self.runs if run.active_ms]
        return timedelta(milliseconds=median(times)) if times else None

    @property
    def usual_cost(self) -> Decimal | None:
        """The median cost in US dollars of the runs whose cost is known; None without one, or if they are free."""
        costs = [run.cost for run in self.runs if run.cost is not None and not run.cost_is_partial]
        return (median(costs) or None) if costs else None

    @property
    def results(self) -> list[Run]:
        """The last of the runs, oldest first."""
        return self.runs[:SHOWN_RESULTS][::-1]


def launch_agent(agent: Agent, user: Any) -> LaunchAgent:
    """The card of the agent for a user, in one query."""
    finished = Run.objects.visible_to(user).filter(agent=agent, status__in=Run.FINAL)
    columns = ("id", "agent_id", "user_id", "status", "could_not", "active_ms", "cost", "cost_is_partial", "created_at")
    return LaunchAgent(agent, list(finished.order_by("-created_at").only(*columns)[:SAMPLE]))


@require_safe
@only_if(may_launch)
@with_fresh_tools
def show_launch_agent(request: PageRequest) -> HttpResponse:
    """The card of the agent `?agent=`, without a name that of the default one; nothing without such an agent."""
    named = request.GET.get("agent", "")
    # Compared in Python: the database refuses some texts that an address can hold.
    agents = [each for each in Agent.objects.in_use() if (each.name == named if named else each.is_default)]
    shown = launch_agent(agents[0], request.user) if agents else None
    return render(request, "runs/partials/launch_agent.html", {"shown": shown})
