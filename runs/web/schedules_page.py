"""The list of schedules, the page of one with its history, and what its buttons do."""

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from runs.engine import schedules
from runs.live.rendering.stored_words import refusal_words
from runs.models import Agent, Schedule
from runs.models.permissions import may_launch, may_see_all
from runs.models.schedule import MAX_NOTE_CHARS
from runs.recurrence.phrases import USUAL
from runs.web.access import PageRequest, go_to, id_in, signed_in
from runs.web.schedule_rows import ScheduleRow, TickRow, rows_of
from runs.web.schedule_week import week_of

PAGE_LENGTH: Final = 50


@require_safe
@signed_in
def show_schedules(request: PageRequest) -> HttpResponse:
    """The schedules that the user may see, by name, those of `?agent=` only; to htmx the next page. `?view=week` is the
    week to come, in `?zone=`."""
    agent = request.GET.get("agent", "").replace("\x00", "")[:80]
    seen = Schedule.objects.visible_to(request.user).select_related("agent", "template", "user")
    if agent:
        seen = seen.filter(agent__name=agent)
    if request.GET.get("view") == "week":
        return _show_week(request, seen, agent)
    found = list(_after(request, seen).order_by("name", "pk")[: PAGE_LENGTH + 1])
    shown = found[:PAGE_LENGTH]
    more = {"after": shown[-1].name, "id": shown[-1].pk, "agent": agent} if len(found) > PAGE_LENGTH else {}
    context: dict[str, Any] = {
        "rows": rows_of(shown, user=request.user),
        "more": urlencode({name: value for name, value in more.items() if value}),
        "agent": agent,
        "shows_owner": may_see_all(request.user),
        "may_launch": may_launch(request.user),
        "recipes": [(urlencode({"when": when}), when, title) for when, title in recipes()],
    }
    is_page = request.htmx and request.htmx.target == "more" and not request.htmx.history_restore_request
    response = render(request, "schedules/partials/rows.html" if is_page else "schedules/list.html", context)
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response


def _show_week(request: PageRequest, seen: "QuerySet[Schedule]", agent: str) -> HttpResponse:
    week = week_of(seen, request.GET.get("zone", "")[:64], timezone.now())
    return render(
        request, "schedules/week.html", {"week": week, "agent": agent, "may_launch": may_launch(request.user)}
    )


def recipes() -> list[tuple[str, str]]:
    """What a first schedule may be, and its title."""
    titles = (gettext("Each working day"), gettext("Each week"), gettext("Each month"))
    return list(zip(USUAL, titles, strict=True))


def schedules_of(agent: Agent, user: Any, most: int) -> list[ScheduleRow]:
    """The first schedules of an agent that the user may see."""
    seen = Schedule.objects.visible_to(user).filter(agent=agent).select_related("agent", "template", "user")
    return rows_of(seen.order_by("name", "pk")[:most], user=user)


@require_safe
@signed_in
def show_schedule(request: PageRequest, schedule_id: UUID) -> HttpResponse:
    """A schedule, its next times and its history, newest first; to htmx the next page of it."""
    schedule = schedule_or_404(request, schedule_id)
    row = ScheduleRow(schedule, request.user)
    ticks = schedule.ticks.select_related("run", "by").order_by("-pk")
    before = request.GET.get("before", "")
    if before.isascii() and before.isdecimal() and len(before) < 19:
        ticks = ticks.filter(pk__lt=before)
    found = list(ticks[: PAGE_LENGTH + 1])
    context: dict[str, Any] = {
        "row": row,
        "schedule": schedule,
        "ticks": [TickRow(tick, row.zone) for tick in found[:PAGE_LENGTH]],
        "before": found[PAGE_LENGTH - 1].pk if len(found) > PAGE_LENGTH else "",
        "max_note_chars": MAX_NOTE_CHARS,
        "shows_owner": schedule.user_id != request.user.pk,
    }
    is_page = request.htmx and request.htmx.target == "more" and not request.htmx.history_restore_request
    response = render(request, "schedules/partials/ticks.html" if is_page else "schedules/schedule.html", context)
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response


@require_POST
@signed_in
def pause(request: PageRequest, schedule_id: UUID) -> HttpResponse:
    """Pause the schedule with the sent `note`; then back to where the button was."""
    note = request.POST.get("note", "").replace("\x00", "")
    return _changed(request, schedule_id, lambda: schedules.pause_schedule(schedule_id, by=request.user, note=note))


@require_POST
@signed_in
def resume(request: PageRequest, schedule_id: UUID) -> HttpResponse:
    """Resume the schedule; then back to where the button was."""
    return _changed(request, schedule_id, lambda: schedules.resume_schedule(schedule_id, by=request.user))


@require_POST
@signed_in
def run_now(request: PageRequest, schedule_id: UUID) -> HttpResponse:
    """Launch a run of the schedule; then to its page."""
    return _changed(request, schedule_id, lambda: schedules.run_now(schedule_id, by=request.user).get_absolute_url())


@require_POST
@signed_in
def delete(request: PageRequest, schedule_id: UUID) -> HttpResponse:
    """Delete the schedule; then to the list."""

    def work() -> str:
        schedules.delete_schedule(schedule_id, by=request.user)
        return reverse("runs:schedules")

    return _changed(request, schedule_id, work)


def schedule_or_404(request: PageRequest, schedule_id: UUID) -> Schedule:
    """The schedule; 404 for another person's as for a missing one."""
    seen = Schedule.objects.visible_to(request.user).select_related("agent", "template__agent", "user")
    schedule = seen.filter(pk=schedule_id).first()
    if schedule is None:
        raise Http404(gettext("There is no such schedule, or it is not yours."))
    return schedule


def _changed(request: PageRequest, schedule_id: UUID, work: Callable[[], object]) -> HttpResponse:
    """Do it, and go to the address that it returns, or back to the schedule or the list. A refusal is told there."""
    schedule_or_404(request, schedule_id)
    to_list = request.POST.get("back") == "list"
    back = reverse("runs:schedules") if to_list else reverse("runs:schedule", args=[schedule_id])
    try:
        done = work()
    except Schedule.DoesNotExist as gone:
        raise Http404(gettext("There is no such schedule, or it is not yours.")) from gone
    except ValueError as refused:
        messages.error(request, refusal_words(refused))
        return go_to(request, back)
    return go_to(request, done) if isinstance(done, str) else redirect(back)


def _after(request: PageRequest, seen: Any) -> Any:
    name, pk = request.GET.get("after", "").replace("\x00", ""), id_in(request.GET.get("id", ""))
    return seen if pk is None else seen.filter(Q(name=name, pk__gt=pk) | Q(name__gt=name))
