"""Actions on a run from a page: stop, pause, resume, run again."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy, ngettext
from django.views.decorators.http import require_POST
from django_htmx.http import HttpResponseClientRefresh

from runs.agent.payloads.notes import CancelAskedPayload, NotePayload
from runs.engine import control
from runs.engine.files.storage import DocumentRefused
from runs.engine.limits.daily_budget import DailyLimitReached
from runs.engine.limits.launch_rate import TooManyLaunches
from runs.live.rendering.stored_words import refusal_words
from runs.models import Run
from runs.models.permissions import may_launch_like, may_resume, may_stop
from runs.web.access import PageRequest, PageView, go_to, run_or_404, signed_in
from runs.web.form_keys import launched_once
from runs.web.prefill import more_of
from runs.web.toasts import toast

ALREADY_ENDED: Final = gettext_lazy("The run had already ended. Nothing was changed.")
CANCEL_MESSAGES: Final[dict[control.CancelOutcome, Promise]] = {
    "cancelled": gettext_lazy("The run is stopped."),
    "asked": gettext_lazy("Stopping…"),
    "already_ended": ALREADY_ENDED,
}
PAUSE_MESSAGES: Final[dict[control.PauseOutcome, Promise]] = {
    "paused": gettext_lazy("The run is paused."),
    "asked": gettext_lazy("Pausing after this reply…"),
    "already_paused": gettext_lazy("The run was paused before."),
    "waits_for_approval": gettext_lazy("The run waits for an approval, so there is nothing to pause."),
    "waits_for_decision": gettext_lazy("The run waits for a decision, so there is nothing to pause."),
    "waits_for_answer": gettext_lazy("The run waits for an answer, so there is nothing to pause."),
    "stop_asked": gettext_lazy("The run is being stopped. Nothing was changed."),
    "already_ended": ALREADY_ENDED,
}
RESUME_MESSAGES: Final[dict[control.ResumeOutcome, Promise]] = {
    "resumed": gettext_lazy("The run goes on."),
    "waits_for_decision": gettext_lazy("Before it goes on, a person has to say whether a call happened."),
    "not_resumable": gettext_lazy("A run that was completed or stopped cannot go on. Follow it up, or run it again."),
    "not_paused": gettext_lazy("The run goes on already. Nothing was changed."),
    "still_pausing": gettext_lazy("The run has not come to its pause yet. Resume it when it has."),
    "stop_asked": gettext_lazy("The run is being stopped. Nothing was changed."),
}
ASKED: Final = ("cancel_asked", "pause_asked", "paused", "resumed", "try_now", "stop_retrying")
"""The notes that record a person's request."""
LAST_STEPS: Final = 30
NOT_WAITING: Final = gettext_lazy("The run does not wait for another attempt any more. Nothing was changed.")


class ActionMessage(NamedTuple):
    """The result of an action, for its user."""

    text: str | Promise
    level: Literal["info", "error"] = "info"
    reload: bool = False
    """True if the page shows a run that had ended: its socket is closed, so the page must be reloaded."""
    until_rest: bool = False
    """True if the run has not reached the requested state yet."""


Change = Callable[[PageRequest, Run], ActionMessage]


def change(may: Callable[[Any, Run], bool]) -> Callable[[Change], PageView[[UUID]]]:
    """Decorator for a view that changes a run, if the user may: to htmx 204 with a toast, because the page changes
    live; otherwise a redirect to the run page."""

    def decorated(act: Change) -> PageView[[UUID]]:
        @require_POST
        @signed_in
        @wraps(act)
        def view(request: PageRequest, run_id: UUID) -> HttpResponse:
            run = run_or_404(request, run_id, may=may)
            try:
                return stay(request, run, act(request, run))
            except (DailyLimitReached, control.OverrideRefused) as refused:
                return stay(request, run, ActionMessage(refusal_words(refused), "error"))

        return view

    return decorated


@change(may_stop)
def cancel_run(request: PageRequest, run: Run) -> ActionMessage:
    """Stop a run."""
    outcome = control.cancel(run.pk, by=request.user)
    if outcome == "already_ended":
        return _ended(run)
    return ActionMessage(CANCEL_MESSAGES[outcome], until_rest=outcome == "asked")


@change(may_stop)
def force_run(request: PageRequest, run: Run) -> ActionMessage:
    """Force the end of a run that does not stop by itself."""
    match control.force(run.pk, by=request.user):
        case "forced":
            return ActionMessage(gettext("The run is stopped. What its host still does is not known."))
        case "too_early":
            run.refresh_from_db(fields=["cancel_requested_at"])
            left_s = (control.can_be_forced_at(run) - timezone.now()).total_seconds()
            words = gettext("Its host has %(n)s s left to stop it by itself. Nothing was changed.")
            return ActionMessage(words % {"n": max(1, round(left_s))}, "error")
        case "not_asked":
            return ActionMessage(gettext("This run has not been asked to stop yet. Stop it first."), "error")
        case "cancelled":
            return ActionMessage(CANCEL_MESSAGES["cancelled"])
        case "already_ended":
            return _ended(run)


@change(may_stop)
def pause_run(request: PageRequest, run: Run) -> ActionMessage:
    """Pause a run."""
    outcome = control.pause(run.pk, by=request.user)
    if outcome == "already_paused" and _asked_last(request, run, "pause_asked", "paused"):
        outcome = "paused"
    return ActionMessage(PAUSE_MESSAGES[outcome], until_rest=outcome == "asked")


@change(may_resume)
def resume_run(request: PageRequest, run: Run) -> ActionMessage:
    """Resume a paused or failed run; `?more=` doubles a limit."""
    overrides = more_of(run, request.GET.get("more", ""), by=request.user)
    outcome = control.resume(run.pk, by=request.user, overrides=overrides)
    if outcome == "not_paused" and _asked_last(request, run, "resumed"):
        outcome = "resumed"
    return ActionMessage(
        RESUME_MESSAGES[outcome], reload=run.is_finished and outcome in ("resumed", "waits_for_decision")
    )


@change(may_resume)
def try_now(request: PageRequest, run: Run) -> ActionMessage:
    """Start the next attempt without further waiting."""
    outcome = control.try_now(run.pk, by=request.user)
    is_done = outcome == "asked" or _asked_last(request, run, "try_now")
    return ActionMessage(gettext("Trying again now.") if is_done else NOT_WAITING)


@change(may_stop)
def stop_retrying(request: PageRequest, run: Run) -> ActionMessage:
    """Make no further attempt."""
    outcome = control.stop_retrying(run.pk, by=request.user)
    is_done = outcome == "asked" or _asked_last(request, run, "stop_retrying")
    return ActionMessage(gettext("No further attempt is made.") if is_done else NOT_WAITING)


@require_POST
@signed_in
def run_again(request: PageRequest, run_id: UUID) -> HttpResponse:
    """Launch the same task with the same configuration, and go to the new run."""
    run = run_or_404(request, run_id, may=may_launch_like)
    try:
        again = launched_once(request, lambda: control.run_again(run.pk, by=request.user))
    except (DailyLimitReached, TooManyLaunches, DocumentRefused) as reached:
        return stay(request, run, ActionMessage(refusal_words(reached), "error"))
    if left_out := control.files_left_out(run, by=request.user):
        words = ngettext(
            "This run has the most files that a launch may give. %(n)s file of the earlier run is left out.",
            "This run has the most files that a launch may give. %(n)s files of the earlier run are left out.",
            left_out,
        )
        messages.warning(request, words % {"n": left_out})
    return go_to(request, again.get_absolute_url())


def _ended(run: Run) -> ActionMessage:
    """The message about a run that had ended, also after a double click whose first one stopped it."""
    run.refresh_from_db(fields=["status"])
    return ActionMessage(CANCEL_MESSAGES["cancelled" if run.status == Run.Status.CANCELLED else "already_ended"])


def _asked_last(request: PageRequest, run: Run, *notes: str) -> bool:
    """True if the last request to the run is one of `notes`, by this user: the second click of a double click."""
    for step in run.steps.order_by("-sequence").only("kind", "metadata")[:LAST_STEPS]:
        told = step.payload
        if isinstance(told, CancelAskedPayload | NotePayload) and told.note in ASKED:
            return told.note in notes and told.by == request.user.get_username()
    return False


def stay(request: PageRequest, run: Run, said: ActionMessage) -> HttpResponse:
    """The response to an action on a run: to htmx a toast, otherwise a redirect to the run's page."""
    if request.htmx and not said.reload:
        return toast(HttpResponse(status=204), said.text, level=said.level, until_rest=said.until_rest)
    messages.add_message(request, messages.ERROR if said.level == "error" else messages.INFO, str(said.text))
    return HttpResponseClientRefresh() if request.htmx else redirect(run)
