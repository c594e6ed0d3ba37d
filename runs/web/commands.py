"""What a person may do to a run from a page: stop it, pause it, let it go on, run it again."""

from collections.abc import Callable
from functools import wraps
from typing import Final, Literal, NamedTuple
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRefresh

from runs.engine import control
from runs.engine.launch_limits import TooManyLaunches
from runs.engine.spending import DailyLimitReached
from runs.models import Run
from runs.web.access import PageRequest, PageView, go_to, run_or_404, signed_in
from runs.web.prefill import more_of
from runs.web.toasts import toast

CANCEL_MESSAGES: Final[dict[control.CancelOutcome, str]] = {
    "cancelled": "The run is cancelled.",
    "asked": "Stopping: the run ends at its next safe point.",
    "already_ended": "The run had already ended. Nothing was changed.",
}
PAUSE_MESSAGES: Final[dict[control.PauseOutcome, str]] = {
    "paused": "The run is paused.",
    "asked": "Pausing: the run stops at its next safe point.",
    "already_paused": "The run was paused before.",
    "waits_for_approval": "The run waits for somebody's approval, so nothing runs that could be paused.",
    "waits_for_decision": "The run waits for somebody's decision, so nothing runs that could be paused.",
    "stop_asked": "The run is being stopped. Nothing was changed.",
    "already_ended": "The run had already ended. Nothing was changed.",
}
RESUME_MESSAGES: Final[dict[control.ResumeOutcome, str]] = {
    "resumed": "The run goes on.",
    "waits_for_decision": "Before it goes on, somebody has to say whether a call happened.",
    "not_resumable": "A run that was completed or stopped cannot go on. Follow it up, or run it again.",
    "not_paused": "The run goes on already. Nothing was changed.",
    "still_pausing": "The run has not come to its pause yet. Resume it when it has.",
    "stop_asked": "The run is being stopped. Nothing was changed.",
}
NOT_WAITING: Final = "The run does not wait for another attempt any more. Nothing was changed."


class Said(NamedTuple):
    """What a change did, for the person who asked for it."""

    text: str
    level: Literal["info", "error"] = "info"
    reload: bool = False
    """True if the page shows a run that had ended: its socket is closed, so it must be loaded again."""
    until_rest: bool = False
    """True if it is said of a run that has still to come to what was asked."""


Change = Callable[[PageRequest, Run], Said]


def change(act: Change) -> PageView[[UUID]]:
    """A view that changes a run the person may see: to htmx 204 with a toast, because the page changes live; otherwise
    back to the run page."""

    @require_POST
    @signed_in
    @wraps(act)
    def view(request: PageRequest, run_id: UUID) -> HttpResponse:
        run = run_or_404(request, run_id)
        try:
            return _stay(request, run, act(request, run))
        except DailyLimitReached as reached:
            return _stay(request, run, Said(str(reached), "error"))

    return view


@change
def cancel_run(request: PageRequest, run: Run) -> Said:
    """Stop a run."""
    outcome = control.cancel(run.pk, by=request.user)
    return Said(CANCEL_MESSAGES[outcome], until_rest=outcome == "asked")


@change
def force_run(request: PageRequest, run: Run) -> Said:
    """End a run that does not stop by itself."""
    match control.force(run.pk, by=request.user):
        case "forced":
            return Said("The run is cancelled. What its host still does is not known.")
        case "too_early":
            run.refresh_from_db(fields=["cancel_requested_at"])
            left_s = (control.can_be_forced_at(run) - timezone.now()).total_seconds()
            words = f"Its host has {max(1, round(left_s))} s left to stop it by itself. Nothing was changed."
            return Said(words, "error")
        case "not_asked":
            return Said("Nobody has asked to stop this run yet. Stop it first.", "error")
        case "cancelled":
            return Said(CANCEL_MESSAGES["cancelled"])
        case "already_ended":
            return Said(CANCEL_MESSAGES["already_ended"])


@change
def pause_run(request: PageRequest, run: Run) -> Said:
    """Pause a run."""
    outcome = control.pause(run.pk, by=request.user)
    return Said(PAUSE_MESSAGES[outcome], until_rest=outcome == "asked")


@change
def resume_run(request: PageRequest, run: Run) -> Said:
    """Let a run go on that is paused or has failed; `?more=` a limit, twice as far."""
    overrides = more_of(run, request.GET.get("more", ""))
    outcome = control.resume(run.pk, by=request.user, overrides=overrides)
    return Said(RESUME_MESSAGES[outcome], reload=run.is_finished and outcome in ("resumed", "waits_for_decision"))


@change
def try_now(request: PageRequest, run: Run) -> Said:
    """Make the next attempt without waiting for it any longer."""
    return _if_waiting(control.try_now(run.pk, by=request.user), "Trying again now.")


@change
def stop_retrying(request: PageRequest, run: Run) -> Said:
    """Make no further attempt at what failed."""
    return _if_waiting(control.stop_retrying(run.pk, by=request.user), "No further attempt is made.")


@require_POST
@signed_in
def run_again(request: PageRequest, run_id: UUID) -> HttpResponse:
    """Launch the same task with the same configuration, and go to the new run."""
    run = run_or_404(request, run_id)
    try:
        again = control.run_again(run.pk, by=request.user)
    except (DailyLimitReached, TooManyLaunches) as reached:
        return _stay(request, run, Said(str(reached), "error"))
    return go_to(request, again.get_absolute_url())


def _if_waiting(outcome: control.WaitOutcome, done: str) -> Said:
    return Said(done if outcome == "asked" else NOT_WAITING)


def _stay(request: PageRequest, run: Run, said: Said) -> HttpResponse:
    if request.htmx and not said.reload:
        return toast(HttpResponse(status=204), said.text, level=said.level, until_rest=said.until_rest)
    messages.add_message(request, messages.ERROR if said.level == "error" else messages.INFO, said.text)
    return HttpResponseClientRefresh() if request.htmx else redirect(run)
