"""The approval rule of one tool of an agent, changed from a card of the inbox or on the agent's page."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from django_htmx.http import reswap, retarget

from runs.agent.tools.protocol import approval_of, effect_of
from runs.agent.tools.registry import registered_tools
from runs.models import Agent
from runs.models.permissions import may_change_agents
from runs.web.access import PageRequest, only_if
from runs.web.agents_page import agent_or_404
from runs.web.fresh_tools import with_fresh_tools
from runs.web.toasts import toast


@require_POST
@only_if(may_change_agents)
@with_fresh_tools
def set_tool_rule(request: PageRequest, agent_id: int) -> HttpResponse:
    """Let the calls of `tool` run without asking, for the agent's later runs (`rule=never`), or take that rule away
    (`rule=`). A tool that changes things outside, or that itself wants to be asked about, is asked about first, unless
    the form says `confirmed`."""
    agent, name = agent_or_404(agent_id), request.POST.get("tool", "")
    if request.POST.get("rule") != Agent.Approval.NEVER:
        _change(agent_id, name, None, request.user)
        return _done(request, agent, _("%(tool)s follows the rule of %(agent)s again.") % _names(agent, name))
    tool = registered_tools().get(name)
    if tool is None or (agent.tools is not None and name not in agent.tools):
        return _done(request, agent, _("%(agent)s has no such tool.") % _names(agent, name), is_error=True)
    is_unsafe = effect_of(tool) == "unsafe"
    if (is_unsafe or approval_of(tool) == "always") and "confirmed" not in request.POST:
        return _ask_first(request, agent, name, is_unsafe=is_unsafe)
    _change(agent_id, name, Agent.Approval.NEVER, request.user)
    words = _("%(tool)s runs without asking in later runs of %(agent)s. This call still waits for you.")
    return _done(request, agent, words % _names(agent, name))


@transaction.atomic
def _change(agent_id: int, tool_name: str, rule: str | None, by: Any) -> None:
    agent = Agent.objects.select_for_update().get(pk=agent_id)
    rules = {name: own for name, own in agent.tool_approvals.items() if name != tool_name}
    agent.tool_approvals = rules if rule is None else rules | {tool_name: rule}
    agent.save(update_fields=["tool_approvals", "updated_at"], by=by)


def _ask_first(request: PageRequest, agent: Agent, name: str, *, is_unsafe: bool) -> HttpResponse:
    context = {"agent": agent, "tool": name, "is_unsafe": is_unsafe}
    if not request.htmx:
        return render(request, "agents/confirm_rule.html", context)
    shown = render(request, "agents/partials/confirm_rule.html", context | {"is_dialog": True})
    return retarget(reswap(shown, "innerHTML"), "#inbox-confirm")


def _done(request: PageRequest, agent: Agent, words: str, *, is_error: bool = False) -> HttpResponse:
    if request.htmx:
        return toast(HttpResponse(status=422 if is_error else 204), words, level="error" if is_error else "info")
    messages.add_message(request, messages.ERROR if is_error else messages.INFO, words)
    return redirect("runs:agent", agent.pk) if request.POST.get("back") == "agent" else redirect("runs:inbox")


def _names(agent: Agent, tool_name: str) -> dict[str, str]:
    return {"tool": tool_name[:128], "agent": agent.name}
