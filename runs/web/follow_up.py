"""A further message in a thread: after a run that has ended, or in the place of another message."""

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from runs.engine import control
from runs.engine.files.storage import DocumentRefused
from runs.engine.files.visibility import given_to
from runs.engine.limits.daily_budget import DailyLimitReached
from runs.engine.limits.launch_rate import TooManyLaunches
from runs.live.rendering.stored_words import refusal_words
from runs.models import Run
from runs.models.permissions import may_launch_like
from runs.web.access import PageRequest, go_to, run_or_404, signed_in
from runs.web.files import field_context, files_field, given_files
from runs.web.form_keys import launched_once, new_key
from runs.web.forms import FollowUpForm, agent_names
from runs.web.thread_page import place_in_thread

STILL_RUNS: Final = gettext_lazy("The run has not ended yet. Wait for it, or stop it, and then follow it up.")


@require_POST
@signed_in
def continue_run(request: PageRequest, run_id: UUID) -> HttpResponse:
    """Launch the message with the run's conversation, and go to the new run, or from a thread back to it; 422 with the
    form if that is refused."""
    run = run_or_404(request, run_id, may=may_launch_like)
    form = FollowUpForm(request.POST)

    def follow_up() -> Run:
        return control.continue_run(run.pk, by=request.user, files=given_files(request), **_wishes(form))

    if (further := _launched(request, form, follow_up)) is not None:
        return go_to(request, place_in_thread(further) if "thread" in request.POST else further.get_absolute_url())
    context = {"from_thread": "thread" in request.POST, "agents": agent_names(), **field_context(request)}
    template = "runs/partials/follow_up.html" if request.htmx else "runs/follow_up.html"
    return _shown(request, template, run, form, context, status=422)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def ask_again(request: PageRequest, run_id: UUID) -> HttpResponse:
    """The form for another message in the place of the run's, and its launch, which branches the thread: with the same
    message if none is sent. 422 with the form if that is refused."""
    run = run_or_404(request, run_id, may=may_launch_like)
    template = "threads/partials/edit.html" if request.htmx else "threads/edit.html"
    if request.method != "POST":
        fields = {"message": run.task}
        return _shown(
            request, template, run, FollowUpForm(initial=fields), files_field(list(given_to(run))), status=200
        )
    is_edited = "message" in request.POST
    form = FollowUpForm(request.POST if is_edited else {"message": run.task})

    def again() -> Run:
        changed = {"files": given_files(request), **_wishes(form)} if is_edited else {}
        return control.ask_again(run.pk, by=request.user, **changed)

    if (further := _launched(request, form, again)) is not None:
        return go_to(request, place_in_thread(further))
    return _shown(request, template, run, form, field_context(request), status=422)


def _wishes(form: FollowUpForm) -> dict[str, Any]:
    return {"message": form.cleaned_data["message"], "agent": form.cleaned_data["agent"]}


def _launched(request: PageRequest, form: FollowUpForm, launch: Callable[[], Run]) -> Run | None:
    """The run that the form launches, once; None with the reason in the form."""
    if not form.is_valid():
        return None
    try:
        return launched_once(request, launch)
    except control.NotFinished:
        form.add_error(None, STILL_RUNS)
    except (DailyLimitReached, TooManyLaunches, DocumentRefused, control.AgentRefused) as reached:
        form.add_error(None, refusal_words(reached))
    return None


def _shown(
    request: PageRequest, template: str, run: Run, form: FollowUpForm, context: dict[str, Any], *, status: int
) -> HttpResponse:
    once = request.POST.get("once") or new_key()
    place = {"run": run, "follow_up": form, "once": once, "url": place_in_thread(run)}
    return render(request, template, place | context, status=status)
