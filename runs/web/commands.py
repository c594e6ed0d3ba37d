"""What a person may do to a run from a page: stop it, end its wait for the next attempt, run it again."""

from typing import Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from runs.engine import control
from runs.engine.spending import DailyLimitReached
from runs.models import Run
from runs.web.access import PageRequest, go_to, run_or_404, signed_in
from runs.web.toasts import toast

CANCEL_MESSAGES: Final[dict[control.CancelOutcome, str]] = {
    "cancelled": "The run is cancelled.",
    "asked": "Stopping: the run ends at its next safe point.",
    "already_ended": "The run had already ended. Nothing was changed.",
}

NOT_WAITING: Final = "The run does not wait for another attempt any more. Nothing was changed."


@require_POST
@signed_in
def cancel_run(request: PageRequest, run_id: UUID) -> HttpResponse:
    """Stop a run. To htmx 204 with a toast, because its page changes live; otherwise back to the run page."""
    run = run_or_404(request, run_id)
    return _stay(request, run, CANCEL_MESSAGES[control.cancel(run.pk, by=request.user)])


@require_POST
@signed_in
def try_now(request: PageRequest, run_id: UUID) -> HttpResponse:
    """Make the next attempt without waiting for it any longer."""
    run = run_or_404(request, run_id)
    outcome = control.try_now(run.pk, by=request.user)
    return _stay(request, run, "Trying again now." if outcome == "asked" else NOT_WAITING)


@require_POST
@signed_in
def stop_retrying(request: PageRequest, run_id: UUID) -> HttpResponse:
    """Make no further attempt at what failed."""
    run = run_or_404(request, run_id)
    outcome = control.stop_retrying(run.pk, by=request.user)
    return _stay(request, run, "No further attempt is made." if outcome == "asked" else NOT_WAITING)


@require_POST
@signed_in
def run_again(request: PageRequest, run_id: UUID) -> HttpResponse:
    """Launch the same task with the same configuration, and go to the new run."""
    run = run_or_404(request, run_id)
    try:
        again = control.run_again(run.pk, by=request.user)
    except DailyLimitReached as reached:
        return _stay(request, run, str(reached))
    return go_to(request, again.get_absolute_url())


def _stay(request: PageRequest, run: Run, message: str) -> HttpResponse:
    if request.htmx:
        return toast(HttpResponse(status=204), message)
    messages.info(request, message)
    return redirect(run)
