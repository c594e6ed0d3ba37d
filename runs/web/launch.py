"""Launching a run: the page with the form, and what its button does."""

import math
from collections.abc import Mapping
from typing import Final
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from runs.agent.providers.suggestions import available_models
from runs.engine import control
from runs.engine.launch_limits import TooManyLaunches
from runs.engine.spending import DailyLimitReached
from runs.models import Agent, Run
from runs.web.access import PageRequest, go_to, run_or_404, signed_in
from runs.web.forms import LaunchForm
from runs.web.model_notes import launch_notes, notes_about
from runs.web.prefill import kept, prefill

EXAMPLES: Final = (
    ("Two sums at once", "What is 17 * 23 and what is 2**10?"),
    ("Percent, then add", "What is 15% of 240, then add 10 to the result"),
    ("Multiply and convert", "multiply 12 by 7 and convert the result from miles to km"),
)
"""Titles and tasks that work without any key."""


@require_safe
@signed_in
def show_launch(request: PageRequest) -> HttpResponse:
    """Show the launch form. `?task=` fills it in; `?from=` a run does, with what `&change=` names changed."""
    earlier = _earlier(request, request.GET.get("from", ""))
    if earlier is not None:
        filled = prefill(earlier, request.GET.get("change", ""))
        return _show(request, LaunchForm(initial=filled.initial), earlier=earlier, changed=filled.changed)
    return _show(request, LaunchForm(initial={"task": request.GET.get("task", "")}))


def launch_run(request: PageRequest) -> HttpResponse:
    """Launch what the form says and go to the run's page; 422 with the form and its errors if it cannot be."""
    form = LaunchForm(request.POST)
    earlier = _earlier(request, request.POST.get("from", ""))
    if not form.is_valid():
        return _show(request, form, status=422, earlier=earlier)
    chosen = form.cleaned_data
    try:
        run = control.launch(
            user=request.user,
            task=chosen["task"],
            agent=chosen["agent"],
            overrides=form.overrides() | (kept(earlier, chosen) if earlier is not None else {}) or None,
            rerun_of=earlier,
        )
    except TooManyLaunches as refused:
        form.add_error(None, str(refused))
        # To htmx 422, which it swaps in; what is wrong is no less visible.
        response = _show(request, form, status=422 if request.htmx else 429, earlier=earlier)
        response["Retry-After"] = str(math.ceil(refused.retry_after_s))
        return response
    except DailyLimitReached as reached:
        form.add_error(None, str(reached))
        return _show(request, form, status=422, earlier=earlier)
    except control.OverrideRefused as refused:
        form.add_error(refused.name if refused.name in form.fields else None, str(refused))
        return _show(request, form, status=422, earlier=earlier)
    except Agent.DoesNotExist:
        form.add_error("agent", "There is no default agent. Choose one, or ask a staff member to set it.")
        return _show(request, form, status=422, earlier=earlier)
    return go_to(request, run.get_absolute_url())


def _earlier(request: PageRequest, run_id: str) -> Run | None:
    """The run a form is filled in from, if one is named. One that is not there or not theirs is 404."""
    if not run_id:
        return None
    try:
        return run_or_404(request, UUID(run_id))
    except ValueError as error:
        raise Http404("There is no such run.") from error


def _show(
    request: PageRequest,
    form: LaunchForm,
    *,
    status: int = 200,
    earlier: Run | None = None,
    changed: Mapping[str, str] | None = None,
) -> HttpResponse:
    template = "runs/partials/launch_form.html" if request.htmx else "runs/launch.html"
    agents = list(Agent.objects.all())
    default_agent = next((agent for agent in agents if agent.is_default), None)
    chosen = next((agent for agent in agents if agent.name == form["agent"].value()), default_agent)
    context = {
        "form": form,
        "agents": [(agent, notes_about(agent.model_names)) for agent in agents],
        "default_agent": default_agent,
        "models": available_models(),
        "model_notes": launch_notes(chosen, str(form["model"].value() or "").strip()),
        "examples": EXAMPLES,
        "earlier": earlier,
        "changed": changed or {},
    }
    return render(request, template, context, status=status)
