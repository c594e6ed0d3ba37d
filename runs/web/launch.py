"""The launch page and its form."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe
from django_htmx.http import trigger_client_event

from runs.agent.all_settings import public_name
from runs.agent.json_data.json_types import JsonObject
from runs.agent.providers.model_catalog.suggestions import available_models
from runs.agent.task_templates.values import InputsRefused
from runs.engine import control
from runs.engine.files.storage import DocumentRefused
from runs.engine.limits.daily_budget import DailyLimitReached
from runs.engine.limits.launch_rate import TooManyLaunches
from runs.live.rendering.stored_words import refusal_words
from runs.models import Agent, Run, TaskTemplate
from runs.models.permissions import NOT_LAUNCHED, may_launch
from runs.web.access import PageRequest, go_to, run_or_404, signed_in
from runs.web.ceiling_fields import defaults_of, numbers_in, show_in, show_own, words_about
from runs.web.files import field_context, files_field_of, given_files
from runs.web.form_keys import launched_once, new_key
from runs.web.forms import LaunchForm
from runs.web.fresh_tools import with_fresh_tools
from runs.web.launch_agent import launch_agent
from runs.web.launch_changes import about_changes
from runs.web.launch_versions import version_choices
from runs.web.model_notes import launch_notes, notes_about
from runs.web.prefill import kept, prefill
from runs.web.template_form import (
    TemplateLaunchForm,
    files_of_inputs,
    initial_values,
    template_or_404,
    with_uploads,
)
from runs.web.tool_availability import launch_note

EXAMPLES: Final = (
    (
        gettext_lazy("Two tools at once"),
        "What is 17 * 23 and what is 2**10?",  # not translated: the offline planner reads English
    ),
    (
        gettext_lazy("One result feeds the next"),
        "multiply 12 by 7 and convert the result from miles to km",  # not translated: the offline planner reads English
    ),
    (
        gettext_lazy("A price with tax"),
        "What is 21% of 886.55, then add 886.55 to the result",  # not translated: the offline planner reads English
    ),
)
"""Titles and tasks that work without an API key."""


@require_safe
@signed_in
@with_fresh_tools
def show_launch(request: PageRequest) -> HttpResponse:
    """Show the launch form. `?task=` and `?agent=` fill in those fields, `?from=` a run, and `&change=` one change to
    it; `?template=` shows the form of a template, as `from` does for a run that was made of one, unless `as=task`."""
    _check_may_launch(request)
    earlier = _earlier(request, request.GET.get("from", ""))
    if earlier is not None:
        filled = prefill(earlier, request.GET.get("change", ""), by=request.user)
        return _show(request, _form_like(request, earlier, filled.initial), earlier=earlier, changed=filled.changed)
    if "template" in request.GET:
        template = template_or_404(request.GET["template"])
        return _show(request, TemplateLaunchForm(template, user=request.user))
    filled_in = {"task": request.GET.get("task", ""), "agent": request.GET.get("agent", "")}
    return _show(request, LaunchForm(initial=filled_in))


@with_fresh_tools
def launch_run(request: PageRequest) -> HttpResponse:
    """Launch the form's run and go to its page; 422 with the form and its errors if that is refused."""
    _check_may_launch(request)
    form = _sent_form(request)
    earlier = _earlier(request, request.POST.get("from", ""))
    if not form.is_valid():
        _mark(form, _refusals(request, form))
        return _show(request, form, status=422, earlier=earlier)
    try:
        run = launched_once(request, lambda: _launch(request, form, earlier, given_files(request)))
    except InputsRefused as refused:  # A file was deleted meanwhile.
        if isinstance(form, TemplateLaunchForm):
            form.refuse(refused)
        return _show(request, form, status=422, earlier=earlier)
    except (DocumentRefused, DailyLimitReached) as refused:
        form.add_error(None, refusal_words(refused))
        return _show(request, form, status=422, earlier=earlier)
    except TooManyLaunches as refused:
        form.add_error(None, refusal_words(refused))
        # htmx swaps in a 422 only, and the form shows the error all the same.
        response = _show(request, form, status=422 if request.htmx else 429, earlier=earlier)
        response["Retry-After"] = str(math.ceil(refused.retry_after_s))
        return response
    except control.OverrideRefused as refused:
        found = _refusals(request, form)
        _mark(form, found if refused.name in {each.name for each in found} else [refused, *found])
        return _show(request, form, status=422, earlier=earlier)
    except control.AgentRefused as refused:
        form.add_error("agent", refusal_words(refused))
        return _show(request, form, status=422, earlier=earlier)
    except Agent.DoesNotExist:
        words = _("There is no default agent. Choose one, or ask a person who may change agents to set it.")
        form.add_error("agent", words)
        return _show(request, form, status=422, earlier=earlier)
    return _stay(request, form, run, earlier) if "stay" in request.POST else go_to(request, run.get_absolute_url())


def _sent_form(request: PageRequest) -> LaunchForm:
    """The form as it was sent. 404 if its template was deleted."""
    if not request.POST.get("template"):
        return LaunchForm(request.POST)
    template = template_or_404(request.POST["template"])
    data, errors = with_uploads(request, template)
    form = TemplateLaunchForm(template, data, user=request.user)
    form.upload_errors = errors
    return form


def _form_like(request: PageRequest, earlier: Run, initial: JsonObject) -> LaunchForm:
    """The form that launched `earlier`, filled in; an ordinary one if its template has gone."""
    template = earlier.template if request.GET.get("as") != "task" else None
    if template is None:
        return LaunchForm(initial=initial)
    return TemplateLaunchForm(template, user=request.user, initial=initial | initial_values(template, earlier))


def _stay(request: PageRequest, form: LaunchForm, run: Run, earlier: Run | None) -> HttpResponse:
    """The form with the same options, ready for another task; without htmx as a copy of the run."""
    if request.htmx:
        sent = {name: form.data[name] for name in form.fields if name in form.data}
        sent |= {"task": "", "extra": form.cleaned_data["extra"]}
        if isinstance(form, TemplateLaunchForm):
            again: LaunchForm = TemplateLaunchForm(form.template, user=request.user, initial=sent)
        else:
            again = LaunchForm(initial=sent)
        return trigger_client_event(_show(request, again, earlier=earlier, launched=run), "launched")
    messages.info(request, _("The run was started."))
    return redirect(f"{reverse('runs:launch')}?from={run.pk}")


def _check_may_launch(request: PageRequest) -> None:
    if not may_launch(request.user):
        raise PermissionDenied(NOT_LAUNCHED)


def _launch(request: PageRequest, form: LaunchForm, earlier: Run | None, files: Sequence[UUID]) -> Run:
    chosen = form.cleaned_data
    about: dict[str, Any] = {
        "user": request.user,
        "version": chosen["version"],
        "overrides": form.overrides() | (kept(earlier, chosen, by=request.user) if earlier is not None else {}) or None,
        "rerun_of": earlier,
        "files": files,
    }
    if isinstance(form, TemplateLaunchForm):
        return control.launch_template(template=form.template, inputs=form.values(), **about)
    return control.launch(task=chosen["task"], agent=chosen["agent"], **about)


def _refusals(request: PageRequest, form: LaunchForm) -> list[control.OverrideRefused]:
    """All overrides beyond the agent's ceilings, not only the first."""
    agent = form.cleaned_data.get("agent") or Agent.objects.filter(is_default=True).first()
    if agent is None:
        return []
    ceilings = control.ceilings_of(agent, by=request.user)
    return control.refusals(form.overrides(), ceilings, agent_name=agent.name)


def _mark(form: LaunchForm, refusals: list[control.OverrideRefused]) -> None:
    for each in refusals:
        field = "model" if each.name == "models" else public_name(each.name)
        form.add_error(field if field in form.fields else None, refusal_words(each))


def _earlier(request: PageRequest, run_id: str) -> Run | None:
    """The run the form is filled in from, if one is named. 404 for a missing run, or one the user may not see."""
    if not run_id:
        return None
    try:
        return run_or_404(request, UUID(run_id))
    except ValueError as error:
        raise Http404(_("There is no such run.")) from error


def _show(
    request: PageRequest,
    form: LaunchForm,
    *,
    status: int = 200,
    earlier: Run | None = None,
    changed: Mapping[str, str] | None = None,
    launched: Run | None = None,
) -> HttpResponse:
    template = "runs/partials/launch_form.html" if request.htmx else "runs/launch.html"
    context = {
        "form": form,
        "launched": launched,
        "examples": EXAMPLES,
        "earlier": earlier,
        "changed": changed or {},
        "once": (launched is None and request.POST.get("once")) or new_key(),
        **_about_agents(request, form),
        "template": form.template if isinstance(form, TemplateLaunchForm) else None,
        "way": "templates" if isinstance(form, TemplateLaunchForm) else "task",
        "templates": TaskTemplate.objects.count() if earlier is None else 0,
        **(
            files_field_of(earlier, user=request.user, without=_files_shown(form, earlier))
            if earlier is not None and request.method != "POST"
            else field_context(request)
        ),
        **about_changes(form, earlier, by=request.user),
    }
    return render(request, template, context, status=status)


def _files_shown(form: LaunchForm, earlier: Run) -> set[UUID]:
    """The files that the fields of inputs show."""
    return files_of_inputs(earlier) if isinstance(form, TemplateLaunchForm) else set()


def _about_agents(request: PageRequest, form: LaunchForm) -> dict[str, Any]:
    """The agents, and what the chosen one allows and has: the form's fields show it too."""
    agents = list(Agent.objects.in_use())
    default_agent = next((agent for agent in agents if agent.is_default), None)
    chosen = next((agent for agent in agents if agent.name == form["agent"].value()), default_agent)
    limits = {agent.pk: control.ceilings_of(agent, by=request.user) for agent in agents}
    ceilings = {} if chosen is None else limits[chosen.pk]
    show_in(form, ceilings)
    if chosen is not None:
        show_own(form, chosen)
    return {
        "agents": [(agent, notes_about(agent.model_names)) for agent in agents],
        "numbers": json.dumps({agent.name: numbers_in(limits[agent.pk]) for agent in agents}),
        "defaults": json.dumps({agent.name: defaults_of(agent) for agent in agents}),
        "ceilings": words_about(chosen, ceilings),
        "default_agent": default_agent,
        "versions": version_choices(chosen, request.user),
        "version_value": form["version"].value() or "",
        "chosen": chosen,
        "shown": None if chosen is None or request.htmx else launch_agent(chosen, request.user),
        "model_default": "" if chosen is None else defaults_of(chosen)["model"],
        "models": ceilings.get("models") or available_models(),
        "tools_note": launch_note(chosen),
        "model_notes": launch_notes(chosen, str(form["model"].value() or "").strip()),
    }
