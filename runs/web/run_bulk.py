"""Actions on several runs of the list: stop, run again. Each run is checked by itself."""

from collections import Counter
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseBadRequest
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST

from runs.engine import control
from runs.engine.files.storage import DocumentRefused
from runs.engine.limits.daily_budget import DailyLimitReached
from runs.engine.limits.launch_rate import TooManyLaunches
from runs.live.rendering.stored_words import refusal_words
from runs.models import Run
from runs.models.permissions import NOT_LAUNCHED, may_launch, may_stop
from runs.web.access import PageRequest, go_to, id_in, signed_in
from runs.web.form_keys import launched_once

MOST_CHOSEN: Final = 100
"""Runs of one request."""


@require_POST
@signed_in
def change_runs(request: PageRequest) -> HttpResponse:
    """Do the action to the chosen runs, say what came of it, and go back to the list."""
    action = request.POST.get("action", "")
    runs = chosen_runs(request.user, request.POST.getlist("run"))
    if action == "again" and not may_launch(request.user):
        raise PermissionDenied(NOT_LAUNCHED)
    if action not in ("stop", "again"):
        return HttpResponseBadRequest(gettext("Choose what to do with the runs."), content_type="text/plain")
    if not runs:
        messages.error(request, gettext("No run was selected. Nothing was changed."))
    elif action == "stop":
        messages.info(request, _stop(request.user, runs))
    else:
        _run_again(request, runs)
    return go_to(request, list_of(request))


def chosen_runs(user: Any, names: list[str]) -> list[Run]:
    """The runs with these ids that the user may see, oldest first; at most `MOST_CHOSEN`."""
    ids: list[UUID] = [run_id for name in names[:MOST_CHOSEN] if (run_id := id_in(name))]
    seen = Run.objects.visible_to(user).filter(pk__in=ids)
    return list(seen.defer("task", "filled_inputs", "config", "answer", "output", "error").order_by("created_at", "pk"))


def _stop(user: Any, runs: list[Run]) -> str:
    outcomes = Counter(control.cancel(run.pk, by=user) if may_stop(user, run) else "refused" for run in runs)
    words = {
        "cancelled": ngettext("%(n)s stopped", "%(n)s stopped", outcomes["cancelled"]),
        "asked": ngettext("%(n)s is stopping", "%(n)s are stopping", outcomes["asked"]),
        "already_ended": ngettext("%(n)s had ended", "%(n)s had ended", outcomes["already_ended"]),
        "refused": ngettext("%(n)s is not yours to stop", "%(n)s are not yours to stop", outcomes["refused"]),
    }
    return ", ".join(text % {"n": outcomes[outcome]} for outcome, text in words.items() if outcomes[outcome]) + "."


def _run_again(request: PageRequest, runs: list[Run]) -> None:
    launched, refusal = 0, ""
    for run in runs:
        try:
            launched_once(request, lambda run=run: control.run_again(run.pk, by=request.user), about=str(run.pk))  # type: ignore[misc]
        except (DailyLimitReached, TooManyLaunches, DocumentRefused, control.OverrideRefused) as refused:
            refusal = refusal_words(refused)
            break
        launched += 1
    if launched:
        words = ngettext("%(n)s run launched.", "%(n)s runs launched.", launched)
        messages.info(request, words % {"n": launched})
    if refusal:
        left = len(runs) - launched
        words = ngettext("%(n)s run was not launched: %(why)s", "%(n)s runs were not launched: %(why)s", left)
        messages.error(request, words % {"n": left, "why": refusal})


def list_of(request: PageRequest) -> str:
    """The list with the filters it had, if the form says so."""
    asked_from = request.POST.get("back", "")
    if asked_from.startswith("?") and asked_from.isprintable():
        return f"{reverse('runs:history')}{asked_from}"
    return reverse("runs:history")
