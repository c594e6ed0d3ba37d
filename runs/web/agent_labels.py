"""The labels of an agent on its page: set, moved and removed; and its archive."""

from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from runs.engine import control
from runs.live.rendering.stored_words import refusal_words
from runs.models import Agent, AgentVersion, LabelMove
from runs.models.agent_label import MAX_LABEL_CHARS, USUAL_LABELS
from runs.models.permissions import may_change_agents
from runs.web.access import PageRequest, only_if

SHOWN_MOVES: Final = 10
_MOST_DIGITS: Final = 9


def labels_context(agent: Agent, *, sees_moves: bool) -> dict[str, Any]:
    """The labels of an agent, and the last changes of them for people who may see those."""
    moves = LabelMove.objects.filter(agent=agent).select_related("author") if sees_moves else LabelMove.objects.none()
    return {
        "labels": list(agent.labels.all()),
        "moves": list(moves[:SHOWN_MOVES]),
        "usual_labels": USUAL_LABELS,
        "max_label_chars": MAX_LABEL_CHARS,
    }


@require_POST
@only_if(may_change_agents)
def change_label(request: PageRequest, agent_id: int) -> HttpResponse:
    """Let the label `name` point at the version `number`, or with `do=remove` remove it; then back to the agent."""
    name = request.POST.get("name", "").strip()
    try:
        if request.POST.get("do") == "remove":
            control.remove_label(agent_id, name[:MAX_LABEL_CHARS], by=request.user)
        else:
            control.set_label(agent_id, name, _number_of(request), by=request.user)
    except Agent.DoesNotExist as missing:
        raise Http404(_("There is no such agent.")) from missing
    except AgentVersion.DoesNotExist:
        messages.error(request, _("There is no such version."))
    except control.AgentRefused as refused:
        messages.error(request, refusal_words(refused))
    return redirect(f"{reverse('runs:agent', args=[agent_id])}#labels")


@require_POST
@only_if(may_change_agents)
def archive_agent(request: PageRequest, agent_id: int) -> HttpResponse:
    """Archive the agent, or with an empty `archived` take it out of the archive; then back to it."""
    try:
        control.set_archived(agent_id, archived=bool(request.POST.get("archived")))
    except Agent.DoesNotExist as missing:
        raise Http404(_("There is no such agent.")) from missing
    except control.AgentRefused as refused:
        messages.error(request, refusal_words(refused))
    return redirect("runs:agent", agent_id)


def _number_of(request: PageRequest) -> int:
    typed = request.POST.get("number", "")
    return int(typed) if typed.isascii() and typed.isdecimal() and len(typed) <= _MOST_DIGITS else 0
