"""Drafts of agents: tried from the editor, and opened again from the run that tried them."""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django import forms
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from runs.agent_configs.agent_editor import AgentEditor
from runs.engine import control
from runs.engine.limits.daily_budget import DailyLimitReached
from runs.engine.limits.launch_rate import TooManyLaunches
from runs.live.rendering.stored_words import refusal_words
from runs.models import Agent, AgentDraft, Run
from runs.models.permissions import may_add_agents, may_change_agents, may_launch
from runs.web.access import PageRequest, go_to, id_in
from runs.web.form_keys import launched_once
from runs.web.forms import checked_task

PARAMETER: Final = "draft"
"""In the address of the editor: the run that has tried the draft."""


class DraftForm(AgentEditor):
    """The editor on its page, with a task to try what it says."""

    task = forms.CharField(required=False)

    def clean_task(self) -> str:
        return checked_task(self.cleaned_data["task"])


@dataclass(frozen=True, slots=True)
class OpenedDraft:
    """What the editor shows of a draft."""

    run: Run
    initial: dict[str, Any]
    seen: str
    """When its agent had been saved last as it was typed."""


def opened_draft(request: PageRequest, agent: Agent | None) -> OpenedDraft | None:
    """The draft of `?draft=`, a run; None without one. 404 for a run that the person does not see, and for a draft of
    another agent."""
    wanted = request.GET.get(PARAMETER, "")
    if not wanted:
        return None
    run_id = id_in(wanted)
    runs = Run.objects.visible_to(request.user).filter(agent=agent)
    draft = AgentDraft.objects.select_related("run").filter(run__in=runs, run_id=run_id).first() if run_id else None
    if draft is None:
        raise Http404(_("There is no such draft, or it is not for you."))
    typed = AgentEditor(instance=Agent.of_config(draft.config), by=request.user).initial
    further = {"message": draft.message, "is_default": draft.is_default, "task": draft.run.task}
    return OpenedDraft(draft.run, dict(typed) | further, draft.seen)


def draft_address(user: Any, run: Run) -> str:
    """The address of the editor with the draft that the run has tried; empty if there is none for the person."""
    may = may_add_agents(user) if run.agent_id is None else may_change_agents(user)
    if not run.is_draft or not may or not AgentDraft.objects.filter(run=run).exists():
        return ""
    editor = reverse("runs:new-agent") if run.agent_id is None else reverse("runs:edit-agent", args=[run.agent_id])
    return f"{editor}?{PARAMETER}={run.pk}"


def try_draft(request: PageRequest, form: DraftForm, agent: Agent | None, *, seen: str = "") -> HttpResponse | None:
    """Launch a run with what the form says, and go to it. None if it is refused; the form says why then."""
    if form.is_valid() and not form.cleaned_data["task"]:
        form.add_error("task", _("Type what the agent should do."))
    if not may_launch(request.user) or not form.is_valid():
        return None
    draft = control.Draft(
        form.instance,
        agent,
        message=form.cleaned_data["message"],
        is_default=bool(form.cleaned_data.get("is_default")),
        seen=_moment_in(seen),
    )
    task = form.cleaned_data["task"]
    try:
        run = launched_once(request, lambda: control.launch_draft(draft, user=request.user, task=task))
    except (DailyLimitReached, control.AgentRefused) as refused:
        form.add_error(None, refusal_words(refused))
        return None
    except TooManyLaunches as refused:
        wait = _("Try again in %(seconds)s s.") % {"seconds": math.ceil(refused.retry_after_s)}
        form.add_error(None, f"{refusal_words(refused)} {wait}")
        return None
    return go_to(request, run.get_absolute_url())


def _moment_in(seen: str) -> str:
    """A time as the form has it; empty for another text."""
    try:
        return datetime.fromisoformat(seen).isoformat()
    except ValueError:
        return ""
