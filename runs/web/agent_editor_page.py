"""Pages that create, edit and duplicate an agent."""

import hashlib
from typing import Any, Final
from urllib.parse import urlencode

from django.core.cache import cache
from django.db import IntegrityError
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from runs.agent_configs.agent_editor import AgentEditor, ChangedMeanwhile, moved_rows
from runs.agent_configs.agent_plan import changes_between
from runs.agent_configs.agent_saves import copied_name
from runs.models import Agent
from runs.models.agent_config import config_of
from runs.models.permissions import may_add_agents, may_change_agents, may_launch, may_read_agents, may_test_models
from runs.web.access import PageRequest, go_to, only_if
from runs.web.agent_drafts import DraftForm, OpenedDraft, opened_draft, try_draft
from runs.web.agent_editor_inputs import faults, limit_inputs, model_inputs, tool_inputs
from runs.web.agents_page import agent_or_404
from runs.web.form_keys import hash_of, new_key
from runs.web.fresh_tools import with_fresh_tools
from runs.web.models_page import test_by_name

ONCE_S: Final = 24 * 3600
"""How long a form that was sent twice creates one agent."""


@require_http_methods(["GET", "HEAD", "POST"])
@only_if(may_add_agents)
@with_fresh_tools
def new_agent(request: PageRequest) -> HttpResponse:
    """GET shows an empty form, or with `?from=` a copy of an agent. POST creates the agent, once for the form's key;
    422 with the form if it is invalid."""
    if request.method != "POST":
        draft = opened_draft(request, None)
        initial = _copied(request) if draft is None else draft.initial
        return _show(request, DraftForm(initial=initial, by=request.user), draft=draft)
    form = DraftForm(request.POST, by=request.user)
    if rows := _rows_after_button(request):
        return _show(request, form, rows=rows)
    if request.POST.get("do") == "try":
        return try_draft(request, form, None) or _show(request, form, status=422)
    key = f"agent-once:{request.user.pk}:{hashlib.sha256(_key_of(request).encode()).hexdigest()}"
    made = cache.get(key)
    if made and Agent.objects.filter(pk=made[0]).exists():
        return _go_on(request, made)
    try:
        if not form.is_valid():
            return _show(request, form, status=422)
        agent = form.save_checked()
    except IntegrityError:
        form.add_error("name", _("Another agent has this name. Choose another one."))
        return _show(request, form, status=422)
    cache.set(key, (agent.pk, agent.name), ONCE_S)
    return _go_on(request, (agent.pk, agent.name))


@require_http_methods(["GET", "HEAD", "POST"])
@only_if(may_change_agents)
@with_fresh_tools
def edit_agent(request: PageRequest, agent_id: int) -> HttpResponse:
    """GET shows the agent's form. POST saves it; 422 with the form if it is invalid, or if another person has saved
    the agent since the form was opened: what was typed is kept, and the next save wins."""
    agent = agent_or_404(agent_id)
    seen = agent.updated_at.isoformat()
    if request.method != "POST":
        draft = opened_draft(request, agent)
        form = DraftForm(instance=agent, initial=draft and draft.initial, by=request.user)
        return _show(request, form, seen=draft.seen if draft else seen, draft=draft)
    form = DraftForm(request.POST, instance=agent, by=request.user)
    opened = request.POST.get("seen", "")
    if rows := _rows_after_button(request):
        return _show(request, form, rows=rows, seen=opened)
    if request.POST.get("do") == "try":
        tried = try_draft(request, form, agent_or_404(agent_id), seen=opened)
        return tried or _show(request, form, seen=opened, status=422)
    if not form.is_valid():
        return _show(request, form, seen=opened, status=422)
    try:
        saved = form.save_checked(seen=opened)
    except ChangedMeanwhile:
        return _show_conflict(request, form, agent_id)
    except IntegrityError:
        form.add_error("name", _("Another agent has this name. Choose another one."))
        return _show(request, form, seen=opened, status=422)
    return _go_on(request, (saved.pk, saved.name))


def _show_conflict(request: PageRequest, form: DraftForm, agent_id: int) -> HttpResponse:
    current = agent_or_404(agent_id)
    changes = changes_between(config_of(current), config_of(form.instance))
    return _show(request, form, seen=current.updated_at.isoformat(), status=422, conflict=changes, saved_at=current)


def _copied(request: PageRequest) -> dict[str, Any]:
    """The initial values of a copy; empty without `?from=`. 404 if the user may not read agents."""
    wanted = request.GET.get("from", "")
    if not wanted:
        return {}
    if not may_read_agents(request.user) or not wanted.isdecimal() or len(wanted) > 18:
        raise Http404(_("There is no such agent, or it is not for you."))
    original = agent_or_404(int(wanted))
    initial = dict(AgentEditor(instance=original, by=request.user).initial)
    return initial | {"name": copied_name(original), "is_default": False}


def _rows_after_button(request: PageRequest) -> list[str]:
    """The rows of models after a button that adds, removes, moves or tests one; empty for another button."""
    action, typed = request.POST.get("do", ""), request.POST.getlist("model_names")
    verb, _sep, place = action.partition("-")
    if verb not in ("add", "remove", "up", "down", "test"):
        return []
    names = [name.strip() for name in typed]
    if verb == "test" and place.isdecimal() and int(place) < len(names) and may_test_models(request.user):
        test_by_name(names[int(place)])
    return moved_rows(names, action) or [""]


def _key_of(request: PageRequest) -> str:
    return f"{request.POST.get('once') or new_key()} {hash_of(request)}"


def _go_on(request: PageRequest, made: tuple[int, str]) -> HttpResponse:
    """To the agent's page, or with “Save & launch” to the launch form with this agent."""
    agent_id, name = made
    if request.POST.get("do") == "launch" and may_launch(request.user):
        return go_to(request, f"{reverse('runs:launch')}?{urlencode({'agent': name})}")
    return go_to(request, reverse("runs:agent", args=[agent_id]))


def _show(
    request: PageRequest,
    form: DraftForm,
    *,
    draft: OpenedDraft | None = None,
    rows: list[str] | None = None,
    seen: str = "",
    status: int = 200,
    conflict: Any = None,
    saved_at: Agent | None = None,
) -> HttpResponse:
    if rows is not None:
        form.show_unchecked()
    context = {
        "form": form,
        "agent": form.instance if form.instance.pk else None,
        "seen": seen,
        "draft": draft,
        "conflict": conflict,
        "saved_at": saved_at.updated_at if saved_at else None,
        "is_added": rows is not None and request.POST.get("do") == "add",
        "may_test": may_test_models(request.user),
        "may_launch": may_launch(request.user),
        "once": request.POST.get("once") or new_key(),
        **model_inputs(form, rows),
        **tool_inputs(form),
        **limit_inputs(form),
        **faults(form),
    }
    template = "agents/partials/editor.html" if request.htmx else "agents/edit.html"
    return render(request, template, context, status=status)
