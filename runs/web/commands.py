"""What a person may do to a run from a page: stop it, run it again."""

from typing import Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from runs.engine import control
from runs.web.access import PageRequest, go_to, run_or_404, signed_in
from runs.web.toasts import toast

CANCEL_MESSAGES: Final[dict[control.CancelOutcome, str]] = {
    "cancelled": "The run is cancelled.",
    "asked": "Stopping: the run ends at its next safe point.",
    "already_ended": "The run had already ended. Nothing was changed.",
}


@require_POST
@signed_in
def cancel_run(request: PageRequest, run_id: UUID) -> HttpResponse:
    """Stop a run. To htmx 204 with a toast, because its page changes live; otherwise back to the run page."""
    run = run_or_404(request, run_id)
    message = CANCEL_MESSAGES[control.cancel(run.pk, by=request.user)]
    if request.htmx:
        return toast(HttpResponse(status=204), message)
    messages.info(request, message)
    return redirect(run)


@require_POST
@signed_in
def run_again(request: PageRequest, run_id: UUID) -> HttpResponse:
    """Launch the same task with the same configuration, and go to the new run."""
    run = run_or_404(request, run_id)
    return go_to(request, control.run_again(run.pk, by=request.user).get_absolute_url())
