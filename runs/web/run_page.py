"""The page of one run, further windows of its steps, and polling for browsers without a working socket."""

import json
import time
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from runs.engine.files.visibility import given_to, inherited_by
from runs.live.feeds.frames import MAX_SEQUENCE
from runs.live.rendering import fragments
from runs.live.rendering.long_texts import piece_of
from runs.live.rendering.step_icons import ALL_ICONS
from runs.live.rendering.tree_views import tree_view
from runs.models import Run
from runs.models.permissions import (
    may_change_agents,
    may_decide,
    may_launch_like,
    may_read_agents,
    may_resume,
    may_steer,
    may_stop,
)
from runs.web.access import PageRequest, run_or_404, signed_in
from runs.web.agent_drafts import draft_address
from runs.web.files import files_field
from runs.web.form_keys import new_key
from runs.web.forms import FollowUpForm, MessageForm
from runs.web.run_origin import launched_by
from runs.web.run_settings_page import settings_context
from runs.web.similar_failures import similar_failures
from runs.web.step_filters import chip_to_walk, chips_of, filter_named, next_match
from runs.web.step_page import details_of
from runs.web.step_window import WINDOW_STEPS, StepList, StepWindow
from runs.web.template_form import filled_values
from runs.web.thread_page import place_of
from runs.web.timeline_page import part_chosen, timeline_context
from runs.writer_status import STANDSTILL

LONG_TASK_CHARS = 280
MINIMAP_FROM = 40
"""A run of more steps has a minimap."""

QUESTIONS = {"stop": may_stop, "resume": may_resume, "decide": may_decide, "launch": may_launch_like}
"""The buttons are rendered the same for all viewers; run/page.css hides those the user may not use."""

VIEWS = ("steps", "timeline", "settings")


def may_not(user: Any, run: Run) -> list[str]:
    """What the user may not do with a run, as classes of its page."""
    names = [name for name, may in QUESTIONS.items() if not may(user, run)]
    return names if may_change_agents(user) else [*names, "template"]


@require_safe
@signed_in
def show_run(request: PageRequest, run_id: UUID) -> HttpResponse:
    """Show a run: its steps, its timeline (`?view=timeline`), or its settings (`?view=settings`).

    Of the steps a window: around the step `at` or `step`, or before the step `before`; `step` also shows that step in
    full. `only` names a filter.
    """
    run = run_or_404(request, run_id)
    view = request.GET.get("view", "")
    view = view if view in VIEWS else "steps"
    if view == "timeline" and (part := part_chosen(request, run)):
        return redirect(f"{reverse('runs:run', args=[run.pk])}?view=timeline&{part}")
    tree = tree_view(run)
    context: dict[str, Any] = {
        "run": run,
        "view": view,
        "tree": tree,
        "tree_html": fragments.tree_place_html(run, tree),
        "totals": fragments.run_totals(run),
        "state": fragments.run_state_html(run),
        "stage": fragments.stage_html(run),
        "similar": similar_failures(request.user, run),
        "models": json.dumps(run.config.get("models") or []),
        "icons": ALL_ICONS,
        "now_ms": round(time.time() * 1000),
        "reads_agents": may_read_agents(request.user),
        "draft_address": draft_address(request.user, run),
        "long_task": len(run.task) > LONG_TASK_CHARS or run.task.count("\n") > 3,
        "show_owner": run.user_id != request.user.pk,
        "place": place_of(request.user, run),
        "messages_html": fragments.messages_html(run),
        "compose": MessageForm() if may_steer(request.user, run) else None,
        "follow_up": FollowUpForm(),
        **files_field([]),
        "given": list(given_to(run)),
        "inherited": inherited_by(run, user=request.user),
        "filled": filled_values(run),
        "launched_by": launched_by(request.user, run),
        "may_not": may_not(request.user, run),
        "once": new_key(),
        "has_minimap": view == "steps" and (run.last_sequence > MINIMAP_FROM or not run.is_finished),
        "minimap_from": MINIMAP_FROM,
        **_shown(request, run, view),
    }
    return render(request, "runs/run_detail.html", context)


def _shown(request: PageRequest, run: Run, view: str) -> dict[str, Any]:
    """What the view shows, and the step that is shown in full beside it."""
    step = _number(request, "step")
    details = details_of(run, step, request.GET.get("tab", "")) if step else None
    # After the last step: a window that ends with it has been read after the run, and may know more.
    shown: dict[str, Any] = {"details": details, "reached": run.last_sequence}
    if view == "timeline":
        return shown | timeline_context(request, run)
    if view == "settings":
        return shown | settings_context(request.user, run)
    only = filter_named(request.GET.get("only"))
    steps = StepList(run, only)
    window, chips = _window(request, steps, step), chips_of(run, only)
    at = _number(request, "at") or step or 0
    if only is None and not window.after:
        shown["reached"] = window.last
    return shown | {
        "only": only,
        "window": window,
        "timeline": fragments.timeline_html(window.steps, at=at, beside=steps.beside),
        "chips": chips,
        "walked": chip_to_walk(chips),
    }


def _window(request: PageRequest, steps: StepList, step: int | None) -> StepWindow:
    """The steps that the address asks for."""
    at, before = _number(request, "at"), _number(request, "before")
    if before:
        return steps.before(before)
    if at:
        return steps.around(at)
    window = steps.first()
    if step and not any(each.sequence == step for each in window.steps):
        return steps.around(step)
    return window


@require_safe
@signed_in
def show_steps(request: PageRequest, run_id: UUID) -> HttpResponse:
    """`?before=`, `?newer=`, `?at=`: a window of steps as HTML. `?after=`: newer steps and the state, as a socket sends
    them."""
    run = run_or_404(request, run_id)
    after = _number(request, "after")
    if after is not None:
        return JsonResponse(_frame_after(run, after))
    steps = StepList(run, filter_named(request.GET.get("only")))
    before, newer, at = (_number(request, name) for name in ("before", "newer", "at"))
    if before is not None:
        window, ends = steps.before(before), {"has_older": True}
    elif newer is not None:
        window, ends = steps.after(newer), {"has_newer": True}
    elif at is not None:
        window, ends = steps.around(at), {"has_older": True, "has_newer": True}
    else:
        return HttpResponseBadRequest(gettext("Say which steps: before=, newer=, at= or after= a sequence."))
    timeline = fragments.timeline_html(window.steps, beside=steps.beside)
    context = {"run": run, "only": steps.only, "window": window, "timeline": timeline}
    return render(request, "runs/partials/step_window.html", context | ends)


@require_safe
@signed_in
def show_tree(request: PageRequest, run_id: UUID) -> HttpResponse:
    """The tree that a run is in, for its page."""
    return HttpResponse(fragments.tree_html(run_or_404(request, run_id)))


@require_safe
@signed_in
def jump_to_match(request: PageRequest, run_id: UUID) -> HttpResponse:
    """Go to the next step after `after`, or the last one before `before`, that passes the filter `only`. To htmx its
    sequence as JSON."""
    run = run_or_404(request, run_id)
    only = filter_named(request.GET.get("only"))
    if only is None:
        raise Http404
    found = next_match(run, only, after=_number(request, "after") or 0, before=_number(request, "before") or 0)
    if request.htmx:
        return JsonResponse({"sequence": found})
    here = reverse("runs:run", args=[run.pk])
    return redirect(here if found is None else f"{here}?at={found}#step-{found}")


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


def _frame_after(run: Run, after: int) -> dict[str, Any]:
    # The run was read before its steps: its state holds for all steps up to `at`, which are read now.
    steps = run.steps.filter(sequence__gt=after).defer("replay").order_by("sequence")[:WINDOW_STEPS]
    frame: dict[str, Any] = {"steps": [[step.sequence, fragments.step_html(step)] for step in steps]}
    reached = frame["steps"][-1][0] if frame["steps"] else after
    if reached >= run.last_sequence:
        frame |= {"state": fragments.state_html(run), "at": run.last_sequence, "ended": run.is_finished}
    if outage := STANDSTILL.now():
        frame["held"] = gettext(outage.short)
    return frame


def _number(request: PageRequest, name: str) -> int | None:
    """A sequence from the query; None if it is missing or invalid."""
    text = request.GET.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 9 else None
