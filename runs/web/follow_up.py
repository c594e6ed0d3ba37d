"""Following up a run that has ended, with a further message."""

from typing import Final
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from runs.engine import control
from runs.engine.launch_limits import TooManyLaunches
from runs.engine.spending import DailyLimitReached
from runs.web.access import PageRequest, go_to, run_or_404, signed_in
from runs.web.forms import FollowUpForm

STILL_RUNS: Final = "The run has not ended yet. Wait for it, or stop it, and then follow it up."


@require_POST
@signed_in
def continue_run(request: PageRequest, run_id: UUID) -> HttpResponse:
    """Launch what the message says with the run's conversation, and go there; 422 with the form if it cannot be."""
    run = run_or_404(request, run_id)
    form = FollowUpForm(request.POST)
    if form.is_valid():
        try:
            further = control.continue_run(run.pk, by=request.user, message=form.cleaned_data["message"])
        except control.NotFinished:
            form.add_error(None, STILL_RUNS)
        except (DailyLimitReached, TooManyLaunches) as reached:
            form.add_error(None, str(reached))
        else:
            return go_to(request, further.get_absolute_url())
    template = "runs/partials/follow_up.html" if request.htmx else "runs/follow_up.html"
    return render(request, template, {"run": run, "follow_up": form}, status=422)
