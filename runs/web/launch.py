"""Launching a run: the page with the form, and what its button does."""

from typing import Final

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from runs.engine import control
from runs.engine.spending import DailyLimitReached
from runs.models import Agent
from runs.web.access import PageRequest, go_to, signed_in
from runs.web.forms import LaunchForm
from runs.web.model_names import model_choices

EXAMPLES: Final = (
    ("Two sums at once", "What is 17 * 23 and what is 2**10?"),
    ("Percent, then add", "What is 15% of 240, then add 10 to the result"),
    ("Multiply and convert", "multiply 12 by 7 and convert the result from miles to km"),
)
"""Titles and tasks that work without any key."""


@require_safe
@signed_in
def show_launch(request: PageRequest) -> HttpResponse:
    """Show the launch form; `?task=` fills it in, for links from elsewhere."""
    return _show(request, LaunchForm(initial={"task": request.GET.get("task", "")}))


def launch_run(request: PageRequest) -> HttpResponse:
    """Launch what the form says and go to the run's page; 422 with the form and its errors if it cannot be."""
    form = LaunchForm(request.POST)
    if not form.is_valid():
        return _show(request, form, status=422)
    chosen = form.cleaned_data
    try:
        run = control.launch(
            user=request.user, task=chosen["task"], agent=chosen["agent"], overrides=form.overrides() or None
        )
    except DailyLimitReached as reached:
        form.add_error(None, str(reached))
        return _show(request, form, status=422)
    except Agent.DoesNotExist:
        form.add_error("agent", "There is no default agent. Choose one, or ask a staff member to set it.")
        return _show(request, form, status=422)
    return go_to(request, run.get_absolute_url())


def _show(request: PageRequest, form: LaunchForm, *, status: int = 200) -> HttpResponse:
    template = "runs/partials/launch_form.html" if request.htmx else "runs/launch.html"
    agents = list(Agent.objects.all())
    context = {
        "form": form,
        "agents": agents,
        "default_agent": next((agent for agent in agents if agent.is_default), None),
        "models": model_choices(),
        "examples": EXAMPLES,
    }
    return render(request, template, context, status=status)
