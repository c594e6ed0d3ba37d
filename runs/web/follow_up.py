"""Continuing a finished run with a further message."""

from typing import Final
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from runs.engine import control
from runs.engine.files.storage import DocumentRefused
from runs.engine.limits.daily_budget import DailyLimitReached
from runs.engine.limits.launch_rate import TooManyLaunches
from runs.live.rendering.stored_words import refusal_words
from runs.models.permissions import may_launch_like
from runs.web.access import PageRequest, go_to, run_or_404, signed_in
from runs.web.files import field_context, given_files
from runs.web.form_keys import launched_once, new_key
from runs.web.forms import FollowUpForm
from runs.web.thread_page import place_in_thread

STILL_RUNS: Final = gettext_lazy("The run has not ended yet. Wait for it, or stop it, and then follow it up.")


@require_POST
@signed_in
def continue_run(request: PageRequest, run_id: UUID) -> HttpResponse:
    """Launch the message with the run's conversation, and go to the new run, or from a thread back to it; 422 with the
    form if that is refused."""
    run = run_or_404(request, run_id, may=may_launch_like)
    form = FollowUpForm(request.POST)
    if form.is_valid():
        try:
            further = launched_once(
                request,
                lambda: control.continue_run(
                    run.pk, by=request.user, message=form.cleaned_data["message"], files=given_files(request)
                ),
            )
        except control.NotFinished:
            form.add_error(None, STILL_RUNS)
        except (DailyLimitReached, TooManyLaunches, DocumentRefused) as reached:
            form.add_error(None, refusal_words(reached))
        else:
            return go_to(request, place_in_thread(further) if "thread" in request.POST else further.get_absolute_url())
    once = request.POST.get("once") or new_key()
    template = "runs/partials/follow_up.html" if request.htmx else "runs/follow_up.html"
    context = {"run": run, "follow_up": form, "once": once, "from_thread": "thread" in request.POST}
    context |= field_context(request)
    return render(request, template, context, status=422)
