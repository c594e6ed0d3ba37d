"""The page of one run, its older steps, and polling for browsers without a working socket."""

import json
import time
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from runs.live.feeds.frames import MAX_SEQUENCE
from runs.live.rendering import fragments
from runs.live.rendering.long_texts import piece_of
from runs.live.rendering.step_views import ALL_ICONS
from runs.models import Run, Step
from runs.models.permissions import may_decide, may_launch_like, may_resume, may_stop
from runs.web.access import PageRequest, run_or_404, signed_in
from runs.web.form_keys import new_key
from runs.web.forms import FollowUpForm
from runs.web.run_settings import facts_of
from runs.web.thread_page import place_of
from runs.writer_status import STANDSTILL

PAGE_LENGTH = 100
"""Steps on a page. A browser needs 13 ms to paint a new one among 500 cards, and 68 ms among 5,000."""

LONG_TASK_CHARS = 280

QUESTIONS = {"stop": may_stop, "resume": may_resume, "decide": may_decide, "launch": may_launch_like}
"""The buttons are rendered the same for all viewers; run/page.css hides those the user may not use."""


@require_safe
@signed_in
def show_run(request: PageRequest, run_id: UUID) -> HttpResponse:
    """Show a run with its last 100 steps, the 100 before the step `before`, or the 100 around the step `at`."""
    run = run_or_404(request, run_id)
    newest = run.last_sequence + 1
    at = _number(request, "at")
    before = min(_number(request, "before") or (at + PAGE_LENGTH // 2 if at else newest), newest)
    steps = _steps_before(run, before)
    context: dict[str, Any] = {
        "run": run,
        "totals": fragments.run_totals(run),
        "facts": facts_of(run),
        "state": fragments.run_state_html(run),
        "stage": fragments.stage_html(run),
        "models": json.dumps(run.config.get("models") or []),
        "timeline": fragments.timeline_html(steps),
        "icons": ALL_ICONS,
        "before": _first_if_more(steps),
        "newer": before < newest,
        "newer_at": before - 1 + PAGE_LENGTH // 2,
        "last_sequence": steps[-1].sequence if steps else 0,
        "now_ms": round(time.time() * 1000),
        "long_task": len(run.task) > LONG_TASK_CHARS or run.task.count("\n") > 3,
        "show_owner": run.user_id != request.user.pk,
        "place": place_of(request.user, run),
        "follow_up": FollowUpForm(),
        "may_not": [name for name, may in QUESTIONS.items() if not may(request.user, run)],
        "once": new_key(),
    }
    return render(request, "runs/run_detail.html", context)


@require_safe
@signed_in
def show_steps(request: PageRequest, run_id: UUID) -> HttpResponse:
    """`?before=`: a page of older steps as HTML. `?after=`: newer steps and the state, as a socket sends them."""
    run = run_or_404(request, run_id)
    after, before = _number(request, "after"), _number(request, "before")
    if after is not None:
        return JsonResponse(_frame_after(run, after))
    if before is None:
        return HttpResponseBadRequest("Say which steps: before= or after= a sequence.")
    steps = _steps_before(run, before)
    context = {"run_id": run.pk, "timeline": fragments.timeline_html(steps), "before": _first_if_more(steps)}
    return render(request, "runs/partials/older_steps.html", context)


@require_safe
@signed_in
def show_rest(request: PageRequest, run_id: UUID, sequence: int) -> HttpResponse:
    """A further piece of a step's text that is too long for its card, as `long_texts.Rest.query` requests it."""
    run = run_or_404(request, run_id)
    step = get_object_or_404(run.steps.defer("replay"), sequence=min(sequence, MAX_SEQUENCE))
    piece = piece_of(step, request.GET.dict())
    if piece is None:
        raise Http404
    template = "runs/partials/rest.html" if request.htmx else "runs/rest.html"
    return render(request, template, {"run": run, "step": step, "piece": piece})


def _steps_before(run: Run, before: int) -> list[Step]:
    """The last 100 steps before a sequence, oldest first."""
    return list(run.steps.filter(sequence__lt=before).order_by("-sequence")[:PAGE_LENGTH])[::-1]


def _first_if_more(steps: list[Step]) -> int:
    """The sequence that older steps precede; 0 if there are none."""
    return steps[0].sequence if steps and steps[0].sequence > 1 else 0


def _frame_after(run: Run, after: int) -> dict[str, Any]:
    # The run was read before its steps: its state holds for all steps up to `at`, which are read now.
    steps = run.steps.filter(sequence__gt=after).order_by("sequence")[:PAGE_LENGTH]
    frame: dict[str, Any] = {"steps": [[step.sequence, fragments.step_html(step)] for step in steps]}
    reached = frame["steps"][-1][0] if frame["steps"] else after
    if reached >= run.last_sequence:
        frame |= {"state": fragments.state_html(run), "at": run.last_sequence, "ended": run.is_finished}
    if outage := STANDSTILL.now():
        frame["held"] = outage.short
    return frame


def _number(request: PageRequest, name: str) -> int | None:
    """A sequence from the query; None if it is missing or invalid."""
    text = request.GET.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 9 else None
